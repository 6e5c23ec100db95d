//! What was measured, as programs read it (JSON), as people do (blocks), and as the README shows it (Markdown).

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::bootstrap::interval;
use super::metrics::Metric;

/// The ranking that the product ships; the others are what it is compared with.
pub const SHIPPED: &str = "shipped";

/// A mean over questions, and how far it may be trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Of what.
    pub metric: Metric,
    /// The mean.
    pub mean: f64,
    /// The middle 95 % of the bootstrap.
    pub interval: [f64; 2],
}

/// All that was measured of one ranking. In JSON one object: `"ndcg@10": 0.5, "ndcg@10_interval": [0.4, 0.6], ...`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking(pub Vec<Measured>);

impl Serialize for Ranking {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 * self.0.len()))?;
        for measured in &self.0 {
            map.serialize_entry(measured.metric.name(), &measured.mean)?;
            map.serialize_entry(&format!("{}_interval", measured.metric.name()), &measured.interval)?;
        }
        map.end()
    }
}

/// Shipped less the best of the others, question by question.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Difference {
    /// The best other ranking.
    pub against: &'static str,
    /// The mean difference; below zero, shipped loses.
    pub mean: f64,
    /// The middle 95 % of the bootstrap of the pairs.
    pub interval: [f64; 2],
}

/// One set, ranked in each way.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SetResult {
    /// Collection, split, protocol.
    pub name: String,
    /// How many questions.
    pub questions: usize,
    /// `dense`: the model's plain cosine; `lexical`: words; `rrf`: both by reciprocal rank; `shipped`: what the product does.
    pub rankings: BTreeMap<&'static str, Ranking>,
    /// By metric.
    pub differences: BTreeMap<&'static str, Difference>,
    /// The metric by which the set is judged.
    #[serde(skip)]
    pub main: Metric,
}

impl SetResult {
    /// Of the scores of each ranking's questions, in the same order in each, by each of `metrics`.
    pub(super) fn of(
        name: String,
        main: Metric,
        metrics: &[Metric],
        scores: &BTreeMap<&'static str, Vec<super::Scores>>,
    ) -> Self {
        let values = |ranking: &str, metric: Metric| -> Vec<f64> {
            scores.get(ranking).into_iter().flatten().map(|scores| scores.by(metric)).collect()
        };
        let mut rankings = BTreeMap::new();
        let mut differences = BTreeMap::new();
        for ranking in scores.keys() {
            let measured = metrics.iter().map(|metric| {
                let values = values(ranking, *metric);
                Measured { metric: *metric, mean: mean(&values), interval: interval(&values) }
            });
            rankings.insert(*ranking, Ranking(measured.collect()));
        }
        for metric in metrics {
            let others = scores.keys().filter(|ranking| **ranking != SHIPPED);
            let by_mean = others.map(|ranking| (mean(&values(ranking, *metric)), *ranking));
            let Some((_, against)) = by_mean.max_by(|left, right| left.0.total_cmp(&right.0)) else {
                continue;
            };
            let pairs = values(SHIPPED, *metric).into_iter().zip(values(against, *metric));
            let pairs: Vec<f64> = pairs.map(|(shipped, other)| shipped - other).collect();
            let difference = Difference { against, mean: mean(&pairs), interval: interval(&pairs) };
            differences.insert(metric.name(), difference);
        }
        let questions = scores.values().map(Vec::len).max().unwrap_or_default();
        Self { name, questions, rankings, differences, main }
    }

    fn by(&self, ranking: &str, metric: Metric) -> Option<&Measured> {
        self.rankings.get(ranking)?.0.iter().find(|measured| measured.metric == metric)
    }

    /// Whether another ranking is better by the set's own metric.
    #[must_use]
    pub fn loses(&self) -> bool {
        self.differences.get(self.main.name()).is_some_and(|difference| difference.mean < 0.0)
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// A block a set, for people.
#[must_use]
pub fn text(sets: &[SetResult]) -> String {
    let mut text = String::new();
    for set in sets {
        let metrics: Vec<Metric> = set
            .rankings
            .values()
            .next()
            .map(|ranking| ranking.0.iter().map(|measured| measured.metric).collect())
            .unwrap_or_default();
        let _ = writeln!(text, "{} ({} questions)", set.name, set.questions);
        let _ = write!(text, "  {:<15}", "");
        for metric in &metrics {
            let _ = write!(text, " {:>23}", metric.title());
        }
        text.push('\n');
        for (name, ranking) in &set.rankings {
            let _ = write!(text, "  {name:<15}");
            for measured in &ranking.0 {
                let [low, high] = measured.interval;
                let _ = write!(text, " {:>7.4} [{low:>6.3},{high:>6.3}]", measured.mean);
            }
            text.push('\n');
        }
        if !set.differences.is_empty() {
            let _ = write!(text, "  {:<15}", "shipped - best");
            for metric in &metrics {
                if let Some(Difference { mean, interval: [low, high], .. }) =
                    set.differences.get(metric.name())
                {
                    let _ = write!(text, " {mean:>+7.4} [{low:>+6.3},{high:>+6.3}]");
                }
            }
            text.push('\n');
        }
        if let Some(difference) = set.differences.get(set.main.name()).filter(|_| set.loses()) {
            let sure = if difference.interval[1] < 0.0 { "" } else { ", within the interval of chance" };
            let _ = writeln!(text, "  LOSES to {} by {}{sure}", difference.against, set.main.title());
        }
        text.push('\n');
    }
    let losing: Vec<&str> = sets.iter().filter(|set| set.loses()).map(|set| set.name.as_str()).collect();
    let _ = match losing.as_slice() {
        [] => writeln!(text, "shipped loses nowhere"),
        losing => {
            writeln!(text, "shipped loses on {} of {} sets: {}", losing.len(), sets.len(), losing.join("; "))
        }
    };
    text
}

/// A row a set by its own metric, for the README: the best in bold, what loses named.
#[must_use]
pub fn markdown(sets: &[SetResult]) -> String {
    const COLUMNS: [&str; 4] = ["dense", "lexical", "rrf", SHIPPED];
    let mut text = "| set | questions | metric | dense | lexical | rrf | shipped | shipped less the best other (95 %) |\n\
                    | --- | ---: | --- | ---: | ---: | ---: | ---: | --- |\n"
        .to_owned();
    for set in sets {
        let _ = write!(text, "| {} | {} | {} |", set.name, set.questions, set.main.title());
        let of = |column: &str| set.by(column, set.main).map(|measured| measured.mean);
        let best = COLUMNS.iter().filter_map(|column| of(column)).fold(f64::MIN, f64::max);
        for column in COLUMNS {
            let _ = match of(column) {
                None => write!(text, " |"),
                Some(mean) if mean == best => write!(text, " **{mean:.3}** |"),
                Some(mean) => write!(text, " {mean:.3} |"),
            };
        }
        let _ = match set.differences.get(set.main.name()) {
            None => writeln!(text, " |"),
            Some(Difference { against, mean, interval: [low, high] }) => {
                let loses = if set.loses() { format!(", **loses** to {against}") } else { String::new() };
                writeln!(text, " {mean:+.3} [{low:+.3}, {high:+.3}]{loses} |")
            }
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::Scores;
    use super::*;

    fn result(shipped: &[&str], other: &[&str]) -> SetResult {
        let judged = [("x".to_owned(), 1.0)].into();
        let scores = |rankings: &[&str]| -> Vec<Scores> {
            rankings
                .iter()
                .map(|ranking| Scores::of(&ranking.split(' ').collect::<Vec<_>>(), &judged).unwrap())
                .collect()
        };
        let all = [("dense", scores(&["a b"; 4])), ("rrf", scores(other)), (SHIPPED, scores(shipped))].into();
        SetResult::of("집합".into(), Metric::Ndcg10, &Metric::OF_RANKINGS, &all)
    }

    #[test]
    fn json_keeps_its_shape_and_gains_intervals() {
        let json = serde_json::to_value(result(&["x"; 4], &["a x"; 4])).unwrap();
        assert_eq!(json["name"], "집합");
        assert_eq!(json["questions"], 4);
        let shipped = json["rankings"]["shipped"].as_object().unwrap();
        for key in ["ndcg@10", "mrr@10", "recall@10", "recall@100"] {
            assert_eq!(shipped[key], 1.0);
            assert_eq!(shipped[&format!("{key}_interval")], serde_json::json!([1.0, 1.0]));
        }
        assert_eq!(shipped.len(), 8);
        assert_eq!(json["differences"]["mrr@10"]["against"], "rrf");
        assert_eq!(json["differences"]["mrr@10"]["mean"], 0.5);
    }

    #[test]
    fn what_loses_is_named() {
        let (wins, loses) = (result(&["x"; 4], &["a x"; 4]), result(&["a x"; 4], &["x"; 4]));
        assert!(!wins.loses() && loses.loses());
        let people = text(&[wins.clone(), loses.clone()]);
        assert!(
            people.contains("LOSES to rrf by nDCG@10\n") && people.contains("on 1 of 2 sets: 집합"),
            "{people}"
        );
        assert!(text(std::slice::from_ref(&wins)).contains("loses nowhere"));
        let table = markdown(&[wins, loses]);
        assert!(table.contains("| **1.000** | +0.369 [+0.369, +0.369] |"), "{table}");
        assert!(table.contains("**loses** to rrf"), "{table}");
    }
}
