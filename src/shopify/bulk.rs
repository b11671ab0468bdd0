//! Bulk operations. (stub)
use super::reading::Reading;
use crate::shared::ReadError;

pub async fn is_under_way(_reading: &Reading<'_>) -> Result<bool, ReadError> {
    Ok(false)
}
