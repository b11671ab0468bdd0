//! A table as the operator's pages show it.

use maud::{Markup, html};

/// A table with a heading, or a sentence in its place.
pub(super) fn table(title: &str, id: &str, heads: &[&str], rows: &[Markup], none: &str) -> Markup {
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (title) }
            @if rows.is_empty() {
                p.hint { (none) }
            } @else {
                div.scroll.operator tabindex="0" role="group" aria-labelledby=(id) {
                    table {
                        thead { tr { @for head in heads { th scope="col" { (head) } } } }
                        tbody { @for row in rows { (row) } }
                    }
                }
            }
        }
    }
}
