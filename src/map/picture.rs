//! The map as a still picture, in SVG: what is drawn is decided here, whatever it is turned into.
//!
//! Colours are those that people with any colour vision tell apart (Paul Tol, "muted"; years in one ramp that grows darker), each is
//! told in words beside it, and text that comes from papers can neither end an element nor turn the line around.

use std::fmt::Write;

use quick_xml::escape::escape;

use super::{OTHER, Points};
use crate::paper::cut;

/// Of tags, in the order of [`Points::tags`].
const TAGS: [&str; 9] =
    ["#332288", "#cc6677", "#44aa99", "#b8a33a", "#882255", "#4c9fd0", "#117733", "#aa4499", "#8b8b2a"];
/// Of papers with none of them.
const REST: &str = "#b9b6ae";
/// Of years, from the oldest to the newest.
const YEARS: [&str; 7] = ["#d9c66a", "#b4b86c", "#83a878", "#529484", "#317c89", "#225c82", "#1d3468"];
const PAPER: &str = "#fbfaf7";
const INK: &str = "#23211d";
const FAINT: &str = "#77736a";
/// Points are drawn in so many turns, colours taking turns: otherwise the last colour lies on all others, and crowds do not look crowded.
const TURNS: usize = 5;
/// Fonts that have every script, where the system has them.
const FONTS: &str = "Inter, 'Noto Sans', 'Noto Sans CJK KR', 'Noto Sans CJK SC', 'Apple SD Gothic Neo', 'PingFang SC', 'Malgun Gothic', 'Microsoft YaHei', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif";
/// Letters of a tag for which a legend has room.
const LONGEST: usize = 24;
/// Names of regions that are drawn at most.
const NAMES: usize = 24;

/// By what points are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// The commonest tags.
    Tag,
    /// The year.
    Year,
}

/// How a map is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    /// By what points are coloured.
    pub colour: Colour,
    /// The width and height of the map in pixels; the legend stands below.
    pub size: u32,
}

/// The words of a class of points, its colour, and how many there are.
struct Class {
    name: String,
    colour: &'static str,
    papers: usize,
}

impl Picture {
    /// `points` as an SVG document.
    #[must_use]
    pub fn svg(&self, points: &Points) -> String {
        let size = self.size as f32;
        let (classes, class_of) = self.classes(points);
        let unit = size / 100.0;
        let columns = 5;
        let rows = classes.len().div_ceil(columns).max(1);
        let footer = unit * (4.4 + 2.3 * rows as f32);
        let mut out = String::with_capacity(points.len() * 12 + 8_192);
        let title = format!("Map of {} papers", grouped(points.len()));
        let _ = write!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{height:.0}" viewBox="0 0 {size} {height:.0}" role="img" font-family="{FONTS}"><title>{title}</title><desc>{description}</desc><rect width="100%" height="100%" fill="{PAPER}"/>"#,
            height = size + footer,
            description = shown(&format!("Related papers lie near each other. {}", told(&classes))),
        );
        self.draw_points(&mut out, points, &classes, &class_of);
        self.draw_names(&mut out, points);
        let (top, text) = (size + unit * 1.6, unit * 1.35);
        let _ = write!(
            out,
            r#"<text x="{x:.1}" y="{y:.1}" font-size="{large:.1}" font-weight="600" fill="{INK}">{title}</text><text x="{end:.1}" y="{y:.1}" font-size="{text:.1}" fill="{FAINT}" text-anchor="end">related papers lie near each other · {by}</text>"#,
            x = unit * 4.0,
            end = size - unit * 4.0,
            y = top,
            large = unit * 1.7,
            by = match self.colour {
                Colour::Tag => "coloured by tag",
                Colour::Year => "coloured by year",
            },
        );
        let width = (size - unit * 8.0) / columns as f32;
        for (at, class) in classes.iter().enumerate() {
            let (x, y) = (
                unit * 4.0 + width * (at % columns) as f32,
                top + unit * (2.6 + 2.3 * (at / columns) as f32),
            );
            let _ = write!(
                out,
                r#"<circle cx="{cx:.1}" cy="{cy:.1}" r="{r:.1}" fill="{colour}"/><text x="{tx:.1}" y="{y:.1}" font-size="{text:.1}" fill="{INK}">{name} <tspan fill="{FAINT}">{papers}</tspan></text>"#,
                cx = x + unit * 0.55,
                cy = y - text * 0.34,
                r = unit * 0.55,
                colour = class.colour,
                tx = x + unit * 1.7,
                name = shown(cut(&class.name, LONGEST)),
                papers = grouped(class.papers),
            );
        }
        out.push_str("</svg>\n");
        out
    }

    /// The classes that points fall into, and which class each is of.
    fn classes(&self, points: &Points) -> (Vec<Class>, Vec<usize>) {
        let (mut classes, class_of): (Vec<Class>, Vec<usize>) = match self.colour {
            Colour::Tag => {
                let named = points.tags.iter().zip(TAGS).map(|(tag, colour)| (tag.value.clone(), colour));
                let rest = if points.tags.is_empty() { "papers" } else { "other" };
                let all = named.chain([(rest.to_owned(), REST)]);
                let class = |colour: &u8| match *colour {
                    OTHER => points.tags.len(),
                    colour => usize::from(colour),
                };
                (
                    all.map(|(name, colour)| Class { name, colour, papers: 0 }).collect(),
                    points.colours.iter().map(class).collect(),
                )
            }
            Colour::Year => years(&points.years),
        };
        for class in &class_of {
            if let Some(class) = classes.get_mut(*class) {
                class.papers += 1;
            }
        }
        // What stands for nobody is not told. Only the last may be so: the others were chosen by their papers.
        if classes.len() > 1 && classes.last().is_some_and(|rest| rest.papers == 0) {
            classes.pop();
        }
        (classes, class_of)
    }

    fn draw_points(&self, out: &mut String, points: &Points, classes: &[Class], class_of: &[usize]) {
        let size = self.size as f32;
        let count = points.len().max(1) as f32;
        // A fifth of the square under ink, within what the eye can tell.
        let radius = (size * (0.06 / count).sqrt()).clamp(size / 1_100.0, size / 130.0);
        let opacity = if count > 2_000.0 { 0.62 } else { 0.85 };
        let _ = write!(
            out,
            r#"<g fill="none" stroke-linecap="round" stroke-width="{:.2}" stroke-opacity="{opacity}">"#,
            radius * 2.0
        );
        for turn in 0..TURNS {
            for (number, class) in classes.iter().enumerate() {
                let mut path = String::new();
                for at in (turn..points.len()).step_by(TURNS) {
                    if let (Some(place), true) = (points.places.get(at), class_of.get(at) == Some(&number)) {
                        let [x, y] = self.at(*place);
                        let _ = write!(path, "M{x:.1} {y:.1}h0");
                    }
                }
                if !path.is_empty() {
                    let _ = write!(out, r#"<path stroke="{}" d="{path}"/>"#, class.colour);
                }
            }
        }
        out.push_str("</g>");
    }

    /// Names of regions, the most crowded first, none over another.
    fn draw_names(&self, out: &mut String, points: &Points) {
        let (size, unit) = (self.size as f32, self.size as f32 / 100.0);
        let text = unit * 1.55;
        let mut taken: Vec<[f32; 4]> = Vec::new();
        let _ = write!(
            out,
            r#"<g font-size="{text:.1}" font-weight="600" fill="{INK}" text-anchor="middle" stroke="{PAPER}" stroke-width="{:.1}" stroke-linejoin="round" paint-order="stroke">"#,
            unit * 0.45
        );
        for region in &points.regions {
            if taken.len() == NAMES {
                break;
            }
            let [x, y] = self.at([region.x, region.y]);
            let half = width_of(&region.name) * text / 2.0;
            let x = x.clamp(half + unit, (size - half - unit).max(half + unit));
            let place = [x - half - unit * 0.6, y - text * 0.9, x + half + unit * 0.6, y + text * 0.9];
            let is_free = |other: &[f32; 4]| {
                place[2] < other[0] || other[2] < place[0] || place[3] < other[1] || other[3] < place[1]
            };
            if taken.iter().all(is_free) {
                taken.push(place);
                let _ = write!(
                    out,
                    r#"<text x="{x:.1}" y="{:.1}">{}</text>"#,
                    y + text * 0.35,
                    shown(&region.name)
                );
            }
        }
        out.push_str("</g>");
    }

    /// A place in pixels, within a margin.
    fn at(&self, place: [u16; 2]) -> [f32; 2] {
        let (size, margin) = (self.size as f32, self.size as f32 * 0.03);
        place.map(|value| margin + f32::from(value) / f32::from(u16::MAX) * (size - 2.0 * margin))
    }
}

/// Spans of years, each of about as many papers; the newest last, and then those without a year.
fn years(of_papers: &[i16]) -> (Vec<Class>, Vec<usize>) {
    let mut known: Vec<i16> = of_papers.iter().copied().filter(|year| *year != 0).collect();
    known.sort_unstable();
    let mut starts: Vec<i16> =
        (0..YEARS.len()).filter_map(|at| known.get(at * known.len() / YEARS.len())).copied().collect();
    starts.dedup();
    let last = known.last().copied().unwrap_or_default();
    let spans = starts.len();
    let mut classes: Vec<Class> = (0..spans)
        .map(|at| {
            let start = starts.get(at).copied().unwrap_or_default();
            let end = starts.get(at + 1).map_or(last, |next| next - 1);
            let name = if start == end { start.to_string() } else { format!("{start}–{end}") };
            // Few spans are spread over the whole ramp.
            let shade = if spans > 1 { at * (YEARS.len() - 1) / (spans - 1) } else { YEARS.len() - 1 };
            Class { name, colour: YEARS.get(shade).copied().unwrap_or(REST), papers: 0 }
        })
        .collect();
    classes.push(Class { name: "no year".to_owned(), colour: REST, papers: 0 });
    let class = |year: &i16| match *year {
        0 => spans,
        year => starts.partition_point(|start| *start <= year).saturating_sub(1),
    };
    (classes, of_papers.iter().map(class).collect())
}

/// The legend in words.
fn told(classes: &[Class]) -> String {
    let each = classes.iter().map(|class| format!("{}: {}", class.name, class.papers));
    each.collect::<Vec<_>>().join("; ")
}

/// Text of somebody else's, for a picture: without what XML forbids or what turns a line around, not longer than there is room, escaped.
fn shown(text: &str) -> String {
    let kept = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
    };
    let plain: String = text.chars().filter(kept).collect();
    escape(&plain).into_owned()
}

/// About how wide a text is, in heights of its letters.
fn width_of(text: &str) -> f32 {
    text.chars().map(|c| if u32::from(c) >= 0x1100 { 1.0 } else { 0.57 }).sum()
}

/// 12,345.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
