//! `paperkin map`

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::progress::{Progress, Unit};
use super::whole_file::when_whole;
use super::{Done, Session, interrupt};
use crate::index::Centring;
use crate::map::{self, Map, MapError, Picture, Points};
use crate::store::Store;

/// Steps of progress.
const STEPS: u64 = 1_000;

/// Draw the library as a map: every paper a point, related papers near each other
///
/// The first map of a library is computed (100,000 papers: under a minute) and kept beside the index; later ones are drawn at once, with new
/// papers among those they are related to. SVG takes the fonts of whoever looks at it; PNG those of this machine, so text in a script
/// without a font here is missing there. 'paperkin serve' shows the same map to walk in, at /map. Needs no model.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paperkin map                                map.svg, coloured by tag
  paperkin map --colour year -o years.png     a PNG, coloured by year
  paperkin map --size 4000 -o poster.png      large")]
pub(super) struct MapArguments {
    /// In which format; by the file's name if not given
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Into this file, which appears (or is replaced) only when it is whole
    #[arg(long, short, value_name = "FILE", default_value = "map.svg")]
    output: PathBuf,
    /// By what papers are coloured
    #[arg(long, visible_alias = "color", value_enum, default_value_t = Colour::Tag, value_name = "WHAT")]
    colour: Colour,
    /// Width of the picture in pixels
    #[arg(long, default_value_t = 1_600, value_name = "N", value_parser = clap::value_parser!(u32).range(200..=10_000))]
    size: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines and text, sharp at any size
    Svg,
    /// Pixels
    Png,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Colour {
    /// The commonest tags
    Tag,
    /// The year
    Year,
}

impl MapArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let format = self.format()?;
        let stop = interrupt::watch_saying("stopping; a map that is not whole is not left behind")?;
        let library = &session.config.library;
        let snapshot = Store::open(library)?.snapshot()?;
        let mut bar = Progress::start("mapping", Unit::Thousandths, STEPS, session.is_interactive());
        let mut see = |done: f32| {
            let reached = (f64::from(done) * STEPS as f64) as u64;
            bar.advance(reached.saturating_sub(bar.position()));
            !stop.load(Ordering::SeqCst)
        };
        let map = match Map::of(library, &snapshot, &self.prior(session)?, &mut see) {
            Err(MapError::Stopped) => return Ok(Done::Interrupted),
            made => made?,
        };
        let points = Points::of(&map, &snapshot)?;
        drop(bar);
        if points.is_empty() {
            anyhow::bail!(
                "no paper of this library has a vector yet: there is nothing to draw; run 'paperkin ingest FILE' first"
            );
        }
        let colour = match self.colour {
            Colour::Tag => map::Colour::Tag,
            Colour::Year => map::Colour::Year,
        };
        let svg = Picture { colour, size: self.size }.svg(&points);
        let bytes = match format {
            Format::Svg => svg.into_bytes(),
            Format::Png => map::png(&svg).context("the picture could not be made; try --format svg")?,
        };
        when_whole(&self.output, library, |out| {
            out.write_all(&bytes)?;
            Ok(Some(()))
        })?;
        let missing = match points.unplaced {
            0 => String::new(),
            some => format!("; {some} have no vector yet, 'paperkin ingest' goes on"),
        };
        session.say(format_args!("{} papers drawn to {}{missing}", points.len(), self.output.display()));
        Ok(Done::Fully)
    }

    fn format(&self) -> anyhow::Result<Format> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        let end = self.output.extension().map(|end| end.to_string_lossy().to_lowercase());
        match end.as_deref() {
            Some("svg") => Ok(Format::Svg),
            Some("png") => Ok(Format::Png),
            _ => anyhow::bail!(
                "{} ends neither in .svg nor in .png; say --format svg or --format png",
                self.output.display()
            ),
        }
    }

    /// The model's means, where it is here: they matter only while no index is published.
    fn prior(&self, session: &Session) -> anyhow::Result<Centring> {
        let Ok(manifest) = session.manifest() else { return Ok(Centring::none()) };
        match manifest.language_means(&session.config.models)? {
            Some(table) => Ok(Centring::from_json(&table, manifest.dimension)?),
            None => Ok(Centring::none()),
        }
    }
}
