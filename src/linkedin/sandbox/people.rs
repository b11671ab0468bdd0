//! What members and the page's people do, and how it is told.
//!
//! Source: learn.microsoft.com, `…/organizations/organization-social-action-notifications` (2026): LIKE, COMMENT and SHARE come for
//! public posts only.

use serde_json::{Value, json};

use super::call::millis;
use super::deliver;
use super::handle::{Happened, Member, PagePost, Sandbox};
use super::state::NoticeShape;
use super::state::{ADMIN, CommentRecord, Core, PostRecord, World};

/// A notification about a comment, or about something that looks like one: a share's text.
pub(super) fn notification(
    core: &Core,
    world: &mut World,
    action: &str,
    share: Option<u64>,
    made: &CommentRecord,
) -> Value {
    let activity = share.map(|share| world.posts.get(&share).map_or(share, |post| post.activity)).unwrap_or_default();
    let urn = match (action, share) {
        ("SHARE" | "SHARE_MENTION", _) | (_, None) => format!("urn:li:share:{}", made.id),
        ("LIKE", Some(_)) => format!("urn:li:reaction:({},urn:li:activity:{activity})", made.actor),
        (_, Some(share)) => world.comment_urn(share, made.id),
    };
    let is_live = world.notice_shape == NoticeShape::Live;
    let id = world.notices.len() as u64 + world.number() % 1_000_000_000;
    let mut item = json!({"notificationId": id, "organizationalEntity": core.organization_urn(), "action": action});
    if let Some(share) = share {
        item["sourcePost"] = format!("urn:li:share:{share}").into();
    }
    item["generatedActivity"] = match is_live {
        true => urn.replace("(urn:li:activity:", "(activity:").into(),
        false => urn.as_str().into(),
    };
    if let (Some(share), true) = (share, ["COMMENT", "COMMENT_EDIT", "ADMIN_COMMENT"].contains(&action)) {
        let mut comment = json!({"entity": urn, "owner": made.actor, "object": format!("urn:li:activity:{activity}")});
        match is_live {
            true => comment["text"] = made.text.as_str().into(),
            false => comment["message"] = json!({"text": made.text}),
        }
        if let Some(parent) = made.parent {
            comment["parentComment"] = world.comment_urn(share, parent).into();
        }
        item["decoratedGeneratedActivity"] = json!({"comment": comment});
    }
    if action == "SHARE" || action == "SHARE_MENTION" {
        item["decoratedGeneratedActivity"] = json!({"share": {"entity": urn, "owner": made.actor, "text": made.text}});
    }
    item["lastModifiedAt"] = millis(core.now()).into();
    item["subscriber"] = format!("urn:li:person:{ADMIN}").into();
    item
}

impl Sandbox {
    /// A member of the network with this person id.
    pub fn member(&self, id: &str, name: &str) -> Member {
        self.core.world().members.insert(id.to_owned(), name.to_owned());
        Member { sandbox: self.clone(), id: id.to_owned() }
    }

    /// The page publishes a post that everybody can see.
    pub fn publishes(&self, text: &str) -> PagePost {
        let at = self.core.now();
        let mut world = self.core.world();
        let (share, activity) = (world.number(), world.number());
        let record = PostRecord { text: text.to_owned(), activity, is_public: true, at, comments: Vec::new() };
        world.posts.insert(share, record);
        drop(world);
        PagePost { sandbox: self.clone(), share }
    }

    /// A person who manages the page comments as the page, elsewhere than through the API: `ADMIN_COMMENT`.
    pub async fn admin_comments(&self, post: &PagePost, text: &str) -> Happened {
        self.makes("ADMIN_COMMENT", Some(post.share), &self.core.organization_urn(), text, None).await
    }

    /// Something happens: a comment is put under its post, and the notification is delivered.
    async fn makes(&self, action: &str, share: Option<u64>, actor: &str, text: &str, parent: Option<u64>) -> Happened {
        let at = self.core.now();
        let (item, is_told) = {
            let mut world = self.core.world();
            let id = world.number();
            let made = CommentRecord { id, actor: actor.to_owned(), text: text.to_owned(), parent, at, by_api: false };
            let item = notification(&self.core, &mut world, action, share, &made);
            let post = share.and_then(|share| world.posts.get_mut(&share));
            let is_public = post.as_ref().is_none_or(|post| post.is_public);
            if let (Some(post), true) = (post, ["COMMENT", "ADMIN_COMMENT"].contains(&action)) {
                post.comments.push(made);
            }
            (item, is_public || !["LIKE", "COMMENT", "SHARE"].contains(&action))
        };
        self.tell(item, is_told).await
    }

    async fn tell(&self, item: Value, is_told: bool) -> Happened {
        let answers = if is_told { deliver::happen(&self.core, item.clone()).await } else { Vec::new() };
        let comment = item["decoratedGeneratedActivity"]["comment"]["entity"].as_str();
        let urn = comment.or(item["generatedActivity"].as_str()).unwrap_or_default().to_owned();
        Happened { id: item["notificationId"].as_u64().unwrap_or_default(), urn, item, answers }
    }
}

impl Member {
    /// `urn:li:person:…`.
    #[must_use]
    pub fn urn(&self) -> String {
        format!("urn:li:person:{}", self.id)
    }

    /// Comments on a post of the page.
    pub async fn comments(&self, post: &PagePost, text: &str) -> Happened {
        self.sandbox.makes("COMMENT", Some(post.share), &self.urn(), text, None).await
    }

    /// Replies to the comment with this URN.
    pub async fn replies(&self, post: &PagePost, comment: &str, text: &str) -> Happened {
        let parent = self.sandbox.core.world().find(comment).and_then(|(_, id)| id);
        self.sandbox.makes("COMMENT", Some(post.share), &self.urn(), text, parent).await
    }

    /// Changes the text of a comment. `None`: there is no such comment of this member.
    pub async fn edits(&self, comment: &str, text: &str) -> Option<Happened> {
        let item = {
            let mut world = self.sandbox.core.world();
            let (share, id) = world.find(comment)?;
            let record = world.posts.get_mut(&share)?.comments.iter_mut().find(|one| Some(one.id) == id)?;
            text.clone_into(&mut record.text);
            let record = record.clone();
            notification(&self.sandbox.core, &mut world, "COMMENT_EDIT", Some(share), &record)
        };
        Some(self.sandbox.tell(item, true).await)
    }

    /// Deletes a comment. `None`: there is no such comment.
    pub async fn deletes(&self, comment: &str) -> Option<Happened> {
        let item = {
            let mut world = self.sandbox.core.world();
            let (share, id) = world.find(comment)?;
            let comments = &mut world.posts.get_mut(&share)?.comments;
            let at = comments.iter().position(|one| Some(one.id) == id)?;
            let record = comments.remove(at);
            notification(&self.sandbox.core, &mut world, "COMMENT_DELETE", Some(share), &record)
        };
        Some(self.sandbox.tell(item, true).await)
    }

    /// Likes a post.
    pub async fn likes(&self, post: &PagePost) -> Happened {
        self.sandbox.makes("LIKE", Some(post.share), &self.urn(), "", None).await
    }

    /// Shares a post.
    pub async fn shares(&self, post: &PagePost) -> Happened {
        self.sandbox.makes("SHARE", Some(post.share), &self.urn(), "", None).await
    }

    /// Mentions the page in a post of the member's own: there is no `sourcePost`.
    pub async fn mentions(&self, text: &str) -> Happened {
        self.sandbox.makes("SHARE_MENTION", None, &self.urn(), text, None).await
    }
}

impl PagePost {
    /// `urn:li:share:…`: what notifications name as `sourcePost`.
    #[must_use]
    pub fn urn(&self) -> String {
        format!("urn:li:share:{}", self.share)
    }

    /// `urn:li:activity:…`: what comments name as their object.
    #[must_use]
    pub fn activity(&self) -> String {
        let world = self.sandbox.core.world();
        let number = world.posts.get(&self.share).map_or(self.share, |post| post.activity);
        format!("urn:li:activity:{number}")
    }

    /// The post is not public: LIKE, COMMENT and SHARE are not told.
    pub fn set_private(&self) {
        if let Some(post) = self.sandbox.core.world().posts.get_mut(&self.share) {
            post.is_public = false;
        }
    }

    /// All comments, in order.
    #[must_use]
    pub fn comments(&self) -> Vec<CommentRecord> {
        self.sandbox.core.world().posts.get(&self.share).map(|post| post.comments.clone()).unwrap_or_default()
    }

    /// The texts of the comments that the page wrote, by whatever way, in order.
    #[must_use]
    pub fn page_comments(&self) -> Vec<String> {
        let own = self.sandbox.core.organization_urn();
        self.comments().into_iter().filter(|comment| comment.actor == own).map(|comment| comment.text).collect()
    }
}
