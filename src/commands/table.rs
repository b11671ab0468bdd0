//! Tables for a terminal.

/// Rows below their heads, each column as wide as its longest cell. The last column is as long as it is.
pub(super) fn table(heads: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heads[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{}{cell:<width$}", "")).collect();
        harmless(padded.join("  ").trim_end())
    };
    let heads = line(heads.to_vec());
    std::iter::once(heads).chain(rows.iter().map(|row| line(row.iter().map(String::as_str).collect()))).collect()
}

/// Without signs that a terminal obeys: platforms' words stand in tables.
fn harmless(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_no_cell_moves_the_cursor() {
        let rows = vec![vec!["1".to_owned(), "message\u{1b}[2J".to_owned()], vec!["4711".to_owned(), "é".to_owned()]];
        assert_eq!(table(&["EVENT", "KIND"], &rows), ["EVENT  KIND", "1      message [2J", "4711   é"]);
        assert_eq!(table(&["EVENT"], &[]), ["EVENT"]);
    }
}
