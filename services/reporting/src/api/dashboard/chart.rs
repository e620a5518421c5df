//! Geometry of the charts, in whole units of their view boxes. No floats: a picture of exact figures is exact too.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Both charts have the same view box.
pub(super) const WIDTH: i64 = 640;
pub(super) const HEIGHT: i64 = 260;
const TOP: i64 = 26;
const BOTTOM: i64 = 222;
const LEFT: i64 = 46;
const RIGHT: i64 = 626;
/// Gridlines at most, so that their labels stay readable.
const MOST_TICKS: i64 = 5;

/// One bar of a bar chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) width: i64,
    pub(super) height: i64,
    /// Middle of the bar, for its label.
    pub(super) centre: i64,
    /// Baseline of the figure above the bar.
    pub(super) figure_y: i64,
}

/// Bars for values that are not negative; the highest fills the height. Anything above zero can be seen.
pub(super) fn bars(values: &[Decimal]) -> Vec<Bar> {
    let highest = values.iter().copied().max().unwrap_or_default();
    let slot = (WIDTH - 20) / i64::try_from(values.len().max(1)).unwrap_or(1);
    let width = slot * 2 / 3;
    values
        .iter()
        .zip(0_i64..)
        .map(|(value, index)| {
            let visible = i64::from(*value > Decimal::ZERO) * 2;
            let height = scaled(*value, highest, BOTTOM - TOP).max(visible);
            let centre = 10 + slot * index + slot / 2;
            Bar { x: centre - width / 2, y: BOTTOM - height, width, height, centre, figure_y: BOTTOM - height - 7 }
        })
        .collect()
}

/// A point of a line chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) x: i64,
    pub(super) y: i64,
}

/// A gridline and the days it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tick {
    pub(super) y: i64,
    pub(super) days: i64,
}

/// The axes of a chart of days over months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Axes {
    /// Days at the upper edge.
    highest: i64,
    slots: i64,
    pub(super) ticks: Vec<Tick>,
}

impl Axes {
    /// For `slots` months and values up to `highest` days.
    pub(super) fn new(slots: usize, highest: Decimal) -> Self {
        let wanted = highest.ceil().to_i64().unwrap_or(0).max(1);
        let step = step_of(wanted);
        let count = (wanted + step - 1) / step;
        let highest = count * step;
        let ticks =
            (0..=count).map(|index| Tick { y: BOTTOM - (BOTTOM - TOP) * index / count, days: index * step }).collect();
        Self { highest, slots: i64::try_from(slots).unwrap_or(1), ticks }
    }

    pub(super) fn x(&self, slot: i64) -> i64 {
        if self.slots < 2 {
            i64::midpoint(LEFT, RIGHT)
        } else {
            LEFT + 12 + (RIGHT - LEFT - 24) * slot / (self.slots - 1)
        }
    }

    /// The points of a line, `None` where there is no value.
    pub(super) fn points(&self, values: &[Option<Decimal>]) -> Vec<Option<Point>> {
        let top = Decimal::from(self.highest);
        values
            .iter()
            .zip(0_i64..)
            .map(|(value, slot)| {
                value.map(|value| Point { x: self.x(slot), y: BOTTOM - scaled(value, top, BOTTOM - TOP) })
            })
            .collect()
    }
}

/// An SVG path through the points, interrupted where one is missing.
pub(super) fn path(points: &[Option<Point>]) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for point in points {
        if let Some(Point { x, y }) = point {
            path.push_str(if pen_down { " L" } else { " M" });
            path.push_str(&x.to_string());
            path.push(' ');
            path.push_str(&y.to_string());
        }
        pen_down = point.is_some();
    }
    path.trim_start().to_owned()
}

/// The smallest round step that needs no more than [`MOST_TICKS`] gridlines.
fn step_of(highest: i64) -> i64 {
    let mut decade = 1;
    loop {
        for round in [1, 2, 5] {
            if round * decade * MOST_TICKS >= highest {
                return round * decade;
            }
        }
        decade *= 10;
    }
}

/// value / highest × length, in whole units, never beyond `length`.
fn scaled(value: Decimal, highest: Decimal, length: i64) -> i64 {
    let share = value.max(Decimal::ZERO).checked_div(highest).unwrap_or_default();
    (share * Decimal::from(length)).round().to_i64().unwrap_or(0).min(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bars_share_one_scale() {
        let bars = bars(&[Decimal::from(100), Decimal::from(50), Decimal::ZERO]);
        assert_eq!(bars[0].height, BOTTOM - TOP);
        assert_eq!(bars[1].height, (BOTTOM - TOP) / 2);
        assert_eq!(bars[2].height, 0);
    }

    #[test]
    fn a_missing_value_interrupts_the_line() {
        let point = |x, y| Some(Point { x, y });
        assert_eq!(path(&[point(1, 2), point(3, 4), None, point(5, 6)]), "M1 2 L3 4 M5 6");
        assert_eq!(path(&[None]), "");
    }

    proptest! {
        #[test]
        fn everything_stays_inside_the_picture(values in prop::collection::vec(0_i64..1_000_000_000_000, 1..14)) {
            let values: Vec<Decimal> = values.into_iter().map(|value| Decimal::new(value, 1)).collect();
            for bar in bars(&values) {
                prop_assert!(bar.x >= 0 && bar.x + bar.width <= WIDTH && bar.y >= TOP && bar.y + bar.height == BOTTOM);
            }
            let axes = Axes::new(values.len(), values.iter().copied().max().unwrap());
            prop_assert!(axes.ticks.len() <= 6);
            let points = axes.points(&values.into_iter().map(Some).collect::<Vec<_>>());
            prop_assert!(points.iter().flatten().all(|point| (LEFT..=RIGHT).contains(&point.x) && (TOP..=BOTTOM).contains(&point.y)));
        }
    }
}
