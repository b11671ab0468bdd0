//! Times as the operator's tables show them.

use maud::{Markup, html};

use crate::web::merchant::parts::ago;

/// How long ago something was; a dash where it never was.
pub(super) fn time(now_ms: i64, at: Option<i64>) -> Markup {
    at.map_or_else(|| html! { "–" }, |at| ago(now_ms, at))
}
