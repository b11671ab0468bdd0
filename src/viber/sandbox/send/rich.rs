//! Keyboards and cards: their buttons.
//!
//! Source: <https://developers.viber.com/docs/tools/keyboards/> and <https://creators.viber.com/docs/bots-api/>, rich media (2026).

use serde::Deserialize;
use serde_json::Value;

use super::memory::Tappable;

/// How many columns the grid has.
const MAX_COLUMNS: u64 = 6;

/// How many rows a card may have.
const MAX_ROWS: u64 = 7;

/// How many cards a carousel may have.
const MAX_CARDS: u64 = 6;

#[derive(Deserialize)]
struct Layout {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "Buttons")]
    buttons: Vec<Button>,
    #[serde(rename = "ButtonsGroupColumns")]
    group_columns: Option<u64>,
    #[serde(rename = "ButtonsGroupRows")]
    group_rows: Option<u64>,
}

#[derive(Deserialize)]
struct Button {
    #[serde(rename = "Columns")]
    columns: Option<u64>,
    #[serde(rename = "Rows")]
    rows: Option<u64>,
    #[serde(rename = "ActionType")]
    action_type: Option<String>,
    #[serde(rename = "ActionBody")]
    action_body: Option<String>,
    #[serde(rename = "Text")]
    text: Option<String>,
    #[serde(rename = "Image")]
    image: Option<String>,
}

/// Reads `keyboard` or `rich_media`: its buttons, or what is wrong with it.
pub(super) fn read(value: &Value, kind: &str) -> Result<Vec<Tappable>, String> {
    let layout: Layout =
        serde_json::from_value(value.clone()).map_err(|error| format!("{kind} is not valid: {error}"))?;
    if layout.kind != kind {
        return Err(format!("{kind} is not valid: Type"));
    }
    if layout.buttons.is_empty() {
        return Err(format!("{kind} is not valid: Buttons"));
    }
    let (group_columns, group_rows) =
        (layout.group_columns.unwrap_or(MAX_COLUMNS), layout.group_rows.unwrap_or(MAX_ROWS));
    if !(1..=MAX_COLUMNS).contains(&group_columns) || !(1..=MAX_ROWS).contains(&group_rows) {
        return Err(format!("{kind} is not valid: ButtonsGroupColumns, ButtonsGroupRows"));
    }
    let max_rows = if kind == "keyboard" { 2 } else { group_rows };
    let mut cells = 0;
    let mut buttons = Vec::new();
    for button in layout.buttons {
        let (columns, rows) = (button.columns.unwrap_or(MAX_COLUMNS), button.rows.unwrap_or(1));
        if !(1..=group_columns).contains(&columns) || !(1..=max_rows).contains(&rows) {
            return Err(format!("{kind} is not valid: Columns, Rows"));
        }
        cells += columns * rows;
        buttons.push(button.tappable(kind)?);
    }
    if kind == "rich_media" && cells > MAX_CARDS * group_columns * group_rows {
        return Err("rich_media is not valid: more than six cards".to_owned());
    }
    Ok(buttons)
}

impl Button {
    fn tappable(self, kind: &str) -> Result<Tappable, String> {
        let action_type = self.action_type.unwrap_or_else(|| "reply".to_owned());
        let action_body = self.action_body.unwrap_or_default();
        let is_known = ["reply", "open-url", "location-picker", "share-phone", "none"].contains(&action_type.as_str());
        let needs_body = ["reply", "open-url"].contains(&action_type.as_str());
        if !is_known || (needs_body && action_body.is_empty()) {
            return Err(format!("{kind} is not valid: ActionType, ActionBody"));
        }
        if action_type == "open-url" && url::Url::parse(&action_body).is_err() {
            return Err(format!("{kind} is not valid: ActionBody is no URL"));
        }
        if self.text.is_none() && self.image.is_none() && kind == "keyboard" {
            return Err(format!("{kind} is not valid: a button needs Text or Image"));
        }
        Ok(Tappable { text: without_markup(&self.text.unwrap_or_default()), action_body, action_type })
    }
}

/// Texts of buttons may hold a little HTML.
fn without_markup(text: &str) -> String {
    let (mut plain, mut is_tag) = (String::new(), false);
    for c in text.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            c if !is_tag => plain.push(c),
            _ => {}
        }
    }
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn buttons_are_read_without_markup_and_must_lead_somewhere() {
        let button =
            |body: &str| json!({"Type": "keyboard", "Buttons": [{"Text": "<b>Yes &amp; no</b>", "ActionBody": body}]});
        assert_eq!(read(&button("Y"), "keyboard").unwrap()[0].text, "Yes & no");
        assert!(read(&button(""), "keyboard").is_err());
        assert!(read(&button("Y"), "rich_media").is_err());
    }
}
