//! The ids of LinkedIn, and how they become names of files and parts of addresses.
//!
//! Everything has a URN. A conversation is what happens on one post, `urn:li:share:7100…`, `urn:li:ugcPost:…` or
//! `urn:li:activity:…`; or one of direct messages, which has an id of its own.
//! Source: <https://learn.microsoft.com/linkedin/shared/api-guide/concepts/urns> (2026).

use std::borrow::Cow;

use crate::shared::files::path::{Name, Naming};

/// The channel's name in paths, tables and files.
pub const NAME: &str = "linkedin";

/// The platform's name as people know it.
pub const PLATFORM: &str = "LinkedIn";

/// What posts are called in URNs and in names.
const POSTS: [&str; 3] = ["share", "ugcPost", "activity"];

/// How the URNs begin that hold the URN of a post.
const HOLDS_A_POST: [&str; 2] = ["urn:li:comment:(", "urn:li:reaction:("];

/// What stands before the id of a conversation of direct messages.
const DIRECT: &str = "conv";

/// How conversations are named.
const THREADS: Naming = Naming::with_kinds(&["share", "ugcPost", "activity", "conv"]);

/// The most digits of an organization's id, and of a post's number.
const MOST_DIGITS: usize = 32;
const MOST_POST_DIGITS: usize = 25;

fn is_number(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The organization with this id; `None`: it is no such id.
#[must_use]
pub fn organization(id: &str) -> Option<Name> {
    if is_number(id, MOST_DIGITS) { Name::parse(id).ok() } else { None }
}

/// The organization that a URN names.
#[must_use]
pub fn organization_of(urn: &str) -> Option<Name> {
    organization(urn.strip_prefix("urn:li:organization:")?)
}

/// The URN of an organization.
#[must_use]
pub fn organization_urn(account: &str) -> String {
    format!("urn:li:organization:{account}")
}

/// The conversation on the post of this URN; `None`: it names no post.
#[must_use]
pub fn thread_of_post(urn: &str) -> Option<Name> {
    let (kind, number) = urn.strip_prefix("urn:li:")?.split_once(':')?;
    let kind = POSTS.into_iter().find(|post| *post == kind)?;
    if is_number(number, MOST_POST_DIGITS) { THREADS.name_of_kind(kind, number).ok() } else { None }
}

/// The conversation on the post to which an activity belongs: the URN of a post, of a comment or of a reaction.
#[must_use]
pub fn thread_of_activity(urn: &str) -> Option<Name> {
    let inside = |text: &str| text.split([',', '(', ')']).find_map(thread_of_post);
    let is_on_a_post = HOLDS_A_POST.iter().any(|start| urn.starts_with(start));
    thread_of_post(urn).or_else(|| if is_on_a_post { inside(urn) } else { None })
}

/// The conversation of direct messages with this id; `None`: no name can hold the id.
#[must_use]
pub fn thread_of_messages(id: &str) -> Option<Name> {
    THREADS.name_of_kind(DIRECT, id).ok()
}

/// What a conversation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thread {
    /// What happens on the post of this URN, for everybody to see.
    Post(String),
    /// Direct messages, by the conversation's id.
    Direct(String),
}

/// What the conversation of this name is; `None`: there is none of this name.
#[must_use]
pub fn thread_of(name: &str) -> Option<Thread> {
    match THREADS.id(&Name::parse(name).ok()?).ok()? {
        (Some(DIRECT), id) => Some(Thread::Direct(id)),
        (Some(kind), number) => {
            let urn = format!("urn:li:{kind}:{number}");
            is_number(&number, MOST_POST_DIGITS).then_some(Thread::Post(urn))
        }
        (None, _) => None,
    }
}

/// The URN of a comment or of a reaction as documents write it, and calls want it: live notifications leave `urn:li:` out before the
/// post inside, `urn:li:comment:(activity:7094…,7094…)`. What is no such URN stays as it is.
#[must_use]
pub fn whole(urn: &str) -> Cow<'_, str> {
    if !HOLDS_A_POST.iter().any(|start| urn.starts_with(start)) {
        return Cow::Borrowed(urn);
    }
    let mut whole = Cow::Borrowed(urn);
    for (before, post) in ['(', ','].into_iter().flat_map(|sign| POSTS.map(|post| (sign, post))) {
        let bare = format!("{before}{post}:");
        if whole.contains(&bare) {
            whole = Cow::Owned(whole.replace(&bare, &format!("{before}urn:li:{post}:")));
        }
    }
    whole
}

/// Whether a text is the URN of a comment, written in whole.
#[must_use]
pub fn is_comment(urn: &str) -> bool {
    number_of_comment(urn).is_some()
}

/// The number of a comment, which is its own alone: the post before it has several URNs, and answers may name another one than
/// notifications do. `None`: the text is no URN of a comment that is written in whole.
#[must_use]
pub fn number_of_comment(urn: &str) -> Option<&str> {
    let inside = urn.strip_prefix("urn:li:comment:(")?.strip_suffix(')')?;
    let number = inside.rsplit(',').next()?;
    thread_of_activity(urn).map(|_| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v3_a_post_has_one_name_and_leads_back_to_its_urn() {
        for (urn, name) in [
            ("urn:li:share:7100000000000000001", "share-7100000000000000001"),
            ("urn:li:ugcPost:71", "ugcPost-71"),
            ("urn:li:activity:1", "activity-1"),
        ] {
            assert_eq!(thread_of_post(urn).unwrap().as_str(), name);
            assert_eq!(thread_of(name), Some(Thread::Post(urn.to_owned())));
        }
        for bad in
            ["", "share-1", "urn:li:share:", "urn:li:share:1/2", "urn:li:share:..", "urn:li:person:1", "urn:li:conv:1"]
        {
            assert_eq!(thread_of_post(bad), None, "{bad}");
        }
        let long = format!("urn:li:share:{}", "1".repeat(26));
        assert_eq!(thread_of_post(&long), None);
        for bad in ["", "share-", "share-x", "posts-1", "..", "share-b-MQ"] {
            assert_eq!(thread_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn v3_conversations_never_meet_posts() {
        assert_eq!(thread_of_messages("conv-test-1").unwrap().as_str(), "conv-conv-test-1");
        assert_eq!(thread_of_messages("2-a/b=").unwrap().as_str(), "conv-b-Mi1hL2I9");
        assert_eq!(thread_of("conv-b-Mi1hL2I9"), Some(Thread::Direct("2-a/b=".to_owned())));
        assert_eq!(thread_of_messages("share-1").unwrap().as_str(), "conv-share-1");
        assert_eq!(thread_of_messages(""), None);
        assert_eq!(thread_of_messages(&"x".repeat(300)), None);
    }

    #[test]
    fn comments_and_reactions_belong_to_their_post() {
        let of = |urn: &str| thread_of_activity(urn).map(|name| name.to_string());
        let comment = "urn:li:comment:(urn:li:activity:7100000000000000002,7100000000000000003)";
        assert_eq!(of(comment).as_deref(), Some("activity-7100000000000000002"));
        assert!(is_comment(comment) && !is_comment("urn:li:comment:(x,1)") && !is_comment("urn:li:share:1"));
        assert_eq!(of("urn:li:reaction:(urn:li:person:T,urn:li:activity:2)").as_deref(), Some("activity-2"));
        assert_eq!(of("urn:li:share:9").as_deref(), Some("share-9"));
        assert_eq!(of("urn:li:person:9"), None);
    }

    #[test]
    fn a_urn_whose_post_is_bare_is_written_in_whole() {
        for (bare, expected) in [
            ("urn:li:comment:(activity:7,8)", "urn:li:comment:(urn:li:activity:7,8)"),
            ("urn:li:comment:(ugcPost:7,8)", "urn:li:comment:(urn:li:ugcPost:7,8)"),
            ("urn:li:comment:(share:7,8)", "urn:li:comment:(urn:li:share:7,8)"),
            ("urn:li:comment:(urn:li:activity:7,8)", "urn:li:comment:(urn:li:activity:7,8)"),
            ("urn:li:reaction:(urn:li:person:T,activity:7)", "urn:li:reaction:(urn:li:person:T,urn:li:activity:7)"),
            ("urn:li:share:7", "urn:li:share:7"),
            ("see (activity:7,8)", "see (activity:7,8)"),
        ] {
            assert_eq!(whole(bare), expected);
        }
        assert!(!is_comment("urn:li:comment:(activity:7,8)"));
        let numbers = ["urn:li:comment:(urn:li:activity:7,8)", "urn:li:comment:(urn:li:ugcPost:9,8)"];
        assert_eq!(numbers.map(number_of_comment), [Some("8"); 2]);
        for none in ["urn:li:comment:(x,1)", "urn:li:comment:(urn:li:activity:7,8", "urn:li:share:1"] {
            assert_eq!(number_of_comment(none), None, "{none}");
        }
    }

    #[test]
    fn an_organization_is_digits() {
        assert_eq!(organization_of("urn:li:organization:90001").unwrap().as_str(), "90001");
        for bad in ["urn:li:organization:", "urn:li:organization:9/1", "urn:li:person:1", "90001"] {
            assert_eq!(organization_of(bad), None, "{bad}");
        }
    }
}
