//! The catalogue of a shop: how it is read, kept and written.

pub mod by_bulk;
pub mod by_pages;
pub mod doubt;
pub mod file;
pub mod kinds;
pub mod locks;
pub mod parts;
pub mod poll;
pub mod records;
pub mod session;
pub mod shop_data;
pub mod single_objects;
pub mod sync;
