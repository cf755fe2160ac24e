//! A table with a cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Row, StatefulWidget, Table, TableState, Widget};

/// A column: its name, and how wide it is; 0 for what is left.
pub(super) type Column = (&'static str, u16);

/// Draws rows below the names of their columns. The cursor stays in sight.
pub(super) fn draw<'a>(
    columns: &[Column],
    rows: impl IntoIterator<Item = Row<'a>>,
    selected: Option<usize>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let widths = columns.iter().map(|(_, width)| match width {
        0 => Constraint::Min(10),
        width => Constraint::Length(*width),
    });
    let head = Row::new(columns.iter().map(|(name, _)| *name)).style(Style::new().bold());
    let table = Table::new(rows, widths).header(head).column_spacing(2);
    match selected {
        None => Widget::render(table, area, buffer),
        Some(_) => {
            let table = table.row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
            let mut cursor = TableState::new().with_selected(selected);
            StatefulWidget::render(table, area, buffer, &mut cursor);
        }
    }
}
