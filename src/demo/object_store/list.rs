//! Lists of keys and versions.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html> (2026).

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{S3Error, escaped};
use super::state::BucketRecord;

/// `ListObjectsV2`: in parts; a token leads on.
pub(super) fn keys(name: &str, bucket: &BucketRecord, query: &BTreeMap<String, String>) -> Result<String, S3Error> {
    let text = |wanted: &str| query.get(wanted).map_or("", String::as_str);
    if text("list-type") != "2" {
        return Err(S3Error::new(501, "NotImplemented", "Only the second version of the list is simulated."));
    }
    let max = match query.get("max-keys") {
        None => 1000,
        Some(text) => text.parse().map_err(|_| S3Error::new(400, "InvalidArgument", "max-keys"))?,
    };
    let max: usize = bucket.part_limit.min(max);
    let after = match query.get("continuation-token") {
        // The token is opaque: the last key, turned around so that nobody builds one.
        Some(token) => token.strip_prefix("after-").map(|rest| rest.chars().rev().collect::<String>()),
        None => Some(text("start-after").to_owned()),
    };
    let after =
        after.ok_or_else(|| S3Error::new(400, "InvalidArgument", "The continuation token provided is incorrect"))?;
    let (prefix, delimiter) = (text("prefix"), text("delimiter"));
    let mut rows = String::new();
    let (mut count, mut last, mut is_truncated) = (0, String::new(), false);
    let mut groups = BTreeSet::new();
    for (key, object) in bucket.objects.iter().filter(|(key, _)| key.starts_with(prefix) && **key > after) {
        let group = (!delimiter.is_empty()).then(|| key[prefix.len()..].find(delimiter)).flatten();
        let group = group.map(|at| key[..prefix.len() + at + delimiter.len()].to_owned());
        if group.as_ref().is_some_and(|group| groups.contains(group)) {
            last.clone_from(key);
            continue;
        }
        if count == max {
            is_truncated = true;
            break;
        }
        count += 1;
        last.clone_from(key);
        match group {
            Some(group) => {
                groups.insert(group);
            }
            None => rows.push_str(&format!(
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                shown(key, query),
                object.at.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
                escaped(&object.etag),
                object.bytes.len()
            )),
        }
    }
    for group in groups {
        rows.push_str(&format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", shown(&group, query)));
    }
    let next = if is_truncated {
        let token: String = last.chars().rev().collect();
        format!("<NextContinuationToken>after-{}</NextContinuationToken>", escaped(&token))
    } else {
        String::new()
    };
    Ok(format!(
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{name}</Name><Prefix>{}</Prefix><KeyCount>{count}</KeyCount><MaxKeys>{max}</MaxKeys><IsTruncated>{is_truncated}</IsTruncated>{next}{rows}</ListBucketResult>",
        shown(prefix, query)
    ))
}

/// A key as the list shows it: percent-encoded where that was asked for.
fn shown(key: &str, query: &BTreeMap<String, String>) -> String {
    if query.get("encoding-type").map(String::as_str) == Some("url") {
        return form_urlencoded::byte_serialize(key.as_bytes()).collect::<String>().replace("%2F", "/");
    }
    escaped(key)
}

/// Whether versions are kept; never asked for: an empty answer.
pub(super) fn versioning(bucket: &BucketRecord) -> String {
    let status = match bucket.versioning.as_str() {
        "" => String::new(),
        status => format!("<Status>{status}</Status>"),
    };
    format!(
        "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{status}</VersioningConfiguration>"
    )
}
