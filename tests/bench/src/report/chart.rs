//! Ratios as horizontal bars. Full width is twice what must be reached; a line marks the must, a dashed one the stretch.

use super::Row;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 110.0;
const LINE: f64 = 26.0;

pub(super) fn ratios(rows: &[Row]) -> String {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.ratio.is_some() && row.must.is_some()).collect();
    let height = LINE * (rows.len() as f64 + 1.5);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (position, row) in rows.iter().enumerate() {
        svg.push_str(&bar(row, LINE * (position as f64 + 0.5)));
    }
    let legend = "bar: ours over its reference; full line: must; dashed: stretch";
    svg + &format!("<text x=\"{LEFT}\" y=\"{}\" fill=\"#57606a\">{legend}</text>\n</svg>\n", height - 8.0)
}

fn bar(row: &Row, top: f64) -> String {
    let (Some(ratio), Some(must)) = (row.ratio, row.must) else { return String::new() };
    let room = WIDTH - LEFT - RIGHT;
    let scale = |value: f64| room * (value / (must * 2.5)).min(1.0);
    let colour = if row.meets(must) { "#2da44e" } else { "#cf222e" };
    let (baseline, bottom) = (top + 15.0, top + 20.0);
    let mark = |value: f64, dash: &str| {
        let x = LEFT + scale(value);
        format!("<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"#24292f\"{dash}/>\n")
    };
    let stretch = row.stretch.map(|value| mark(value, " stroke-dasharray=\"2 2\"")).unwrap_or_default();
    format!(
        "<text x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{}</text>\n\
         <rect x=\"{LEFT}\" y=\"{}\" width=\"{:.1}\" height=\"14\" fill=\"{colour}\"/>\n{}{stretch}\
         <text x=\"{}\" y=\"{baseline}\">{ratio:.2}</text>\n",
        LEFT - 8.0,
        row.name,
        top + 3.0,
        scale(ratio),
        mark(must, ""),
        WIDTH - RIGHT + 12.0,
    )
}
