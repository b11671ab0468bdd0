//! The fields of a Page that are asked for.

/// What is read of a Page. `email` and `created_time` do not exist, and one unknown field fails the whole call.
/// Source: the fields of Page in Meta's Business SDK for v26.0 (November 2026).
pub const PAGE_FIELDS: [&str; 23] = [
    "id",
    "name",
    "username",
    "about",
    "description",
    "category",
    "category_list",
    "website",
    "link",
    "phone",
    "emails",
    "single_line_address",
    "location",
    "hours",
    "price_range",
    "fan_count",
    "followers_count",
    "verification_status",
    "is_published",
    "is_permanently_closed",
    "whatsapp_number",
    "picture{url}",
    "cover",
];

/// The name of a field that is asked for, as far as this is one.
#[must_use]
pub fn known(name: &str) -> Option<&'static str> {
    // A field may be asked for with fields of its own: `picture{url}`.
    PAGE_FIELDS.into_iter().filter_map(|field| field.split('{').next()).find(|field| *field == name)
}
