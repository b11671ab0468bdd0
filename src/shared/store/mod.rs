//! The SQL of `tokens.db` and `sessions.db`, one file per table. Every row carries its channel, so a new channel needs
//! no migration, and every query names the merchant or account that it is about.

pub mod alert_posts;
pub mod connections;
pub mod erasures;
pub mod keys;
pub mod login_states;
pub mod sessions;

pub use connections::{Connection, Connections, NewConnection, Status, Token, TokenAge, TokenKind, Tokens};
pub use erasures::Erasures;
pub use keys::Keys;
pub use login_states::LoginStates;
pub use sessions::{Session, Sessions};

/// The migrations of `tokens.db`, in order. Append only.
pub const TOKENS_MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/tokens/0001_initial.sql"),
    include_str!("../../../migrations/tokens/0002_seals.sql"),
    include_str!("../../../migrations/tokens/0003_erasure.sql"),
    include_str!("../../../migrations/tokens/0004_token_age.sql"),
    include_str!("../../../migrations/tokens/0005_alert_posts.sql"),
];

/// The migrations of `sessions.db`, in order. Append only.
pub const SESSIONS_MIGRATIONS: &[&str] = &[include_str!("../../../migrations/sessions/0001_initial.sql")];
