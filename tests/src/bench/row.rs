//! Rows of the table, and how they are told.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// One measured thing.
#[derive(Clone, Debug)]
pub struct Row {
    /// As in `DESIGN`'s table.
    pub id: &'static str,
    /// What was measured.
    pub value: f64,
    /// Of the value.
    pub unit: &'static str,
    /// The same of the reference, in the same run; none where the design sets a fixed figure.
    pub reference: Option<f64>,
    /// Value and reference as the design compares them.
    pub ratio: Option<f64>,
    /// How far the repeats lie apart: (largest − smallest) ÷ median; none for what was measured once.
    pub spread: Option<f64>,
    /// The design's figure to reach and the one beyond, of the ratio where there is one, else of the value.
    pub wanted: Wanted,
}

/// What the design wants.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// At least.
    AtLeast(f64, f64),
    /// At most.
    AtMost(f64, f64),
    /// Told, not judged.
    Told,
}

impl Row {
    /// A row without a reference.
    #[must_use]
    pub const fn fixed(id: &'static str, value: f64, unit: &'static str, wanted: Wanted) -> Self {
        Self { id, value, unit, reference: None, ratio: None, spread: None, wanted }
    }

    fn judged(&self) -> f64 {
        self.ratio.unwrap_or(self.value)
    }

    /// Whether the figure to reach is reached.
    #[must_use]
    pub fn reached(&self) -> bool {
        match self.wanted {
            Wanted::AtLeast(reach, _) => self.judged() >= reach,
            Wanted::AtMost(reach, _) => self.judged() <= reach,
            Wanted::Told => true,
        }
    }

    fn verdict(&self) -> &'static str {
        let beyond = match self.wanted {
            Wanted::AtLeast(_, beyond) => self.judged() >= beyond,
            Wanted::AtMost(_, beyond) => self.judged() <= beyond,
            Wanted::Told => return "",
        };
        match (self.reached(), beyond) {
            (true, true) => "beyond",
            (true, false) => "reached",
            (false, _) => "MISSED",
        }
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id, "value": self.value, "unit": self.unit, "reference": self.reference, "ratio": self.ratio,
            "spread": self.spread, "reached": self.reached(),
        })
    }
}

/// The median.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How far values lie apart, in parts of their median.
#[must_use]
pub fn spread(values: &[f64]) -> Option<f64> {
    let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
    (values.len() > 1).then(|| (most - least) / median(values))
}

fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// The rows as a table in Markdown.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from("| row | value | reference | ratio | spread | reach / beyond | |\n|---|--:|--:|--:|--:|--:|---|\n");
    for row in rows {
        let optional = |value: Option<f64>| value.map_or_else(String::new, short);
        let wanted = match row.wanted {
            Wanted::AtLeast(reach, beyond) => format!("≥ {} / {}", short(reach), short(beyond)),
            Wanted::AtMost(reach, beyond) => format!("≤ {} / {}", short(reach), short(beyond)),
            Wanted::Told => String::new(),
        };
        let spread = row.spread.map_or_else(String::new, |spread| format!("{:.0} %", spread * 100.0));
        // Writing to memory does not fail.
        let _ = writeln!(
            text,
            "| `{}` | {} {} | {} | {} | {spread} | {wanted} | {} |",
            row.id,
            short(row.value),
            row.unit,
            optional(row.reference),
            optional(row.ratio),
            row.verdict()
        );
    }
    text
}

/// The rows for programs.
#[must_use]
pub fn document(rows: &[Row], machine: &str, date: &str) -> Value {
    json!({ "rows": rows.iter().map(Row::json).collect::<Vec<_>>(), "machine": machine, "date": date })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_judged_by_their_ratio_where_they_have_one() {
        let mut row = Row::fixed("append.256", 100.0, "1/s", Wanted::AtLeast(0.45, 0.6));
        row.ratio = Some(0.5);
        assert!(row.reached());
        assert_eq!(row.verdict(), "reached");
        row.ratio = Some(0.4);
        assert_eq!(row.verdict(), "MISSED");
        let document = document(&[row], "m", "d");
        assert_eq!(document["rows"][0]["id"], "append.256");
        assert_eq!(document["rows"][0]["reached"], false);
    }

    #[test]
    fn medians_and_spreads() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((spread(&[1.0, 2.0, 3.0]).unwrap_or(0.0) - 1.0).abs() < 1e-9);
        assert!(spread(&[1.0]).is_none());
    }
}
