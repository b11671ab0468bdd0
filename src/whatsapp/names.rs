//! What the channel and the platform are called, and what is read of a number.

/// The channel's name in paths, tables and files.
pub const NAME: &str = "whatsapp";

/// The platform as people know it.
pub const PLATFORM: &str = "WhatsApp";

/// What is read of the number.
pub const NUMBER_FIELDS: [&str; 9] = [
    "id",
    "display_phone_number",
    "verified_name",
    "quality_rating",
    "code_verification_status",
    "name_status",
    "status",
    "platform_type",
    "throughput",
];
