//! What the verbs do on each platform.

use std::sync::atomic::Ordering;

use anyhow::{bail, ensure};
use serde_json::Value;

use super::Platforms;
use super::people::Somebody;
use super::verb::{Failing, Happening, Platform, Verb};
use crate::demo::service::Service;
use crate::facebook;
use crate::shared::channel::simulator::{SendFailure, Webhooks, lock};

/// What is said where a verb has no meaning.
fn has_none(platform: Platform, what: &str) -> anyhow::Error {
    anyhow::anyhow!("{platform:?} has no {what}")
}

/// How a delivery was answered, as a sentence.
fn told(what: &str, answers: &[u16]) -> String {
    match answers {
        [] => format!("{what}. No webhook came of it: it waits, was lost, or nobody is subscribed."),
        answers => format!("{what}. The webhook was answered {answers:?}."),
    }
}

impl Platforms {
    /// Carries out a verb. The result is what there is to say.
    pub(in crate::demo) async fn carry_out(&self, verb: Verb) -> anyhow::Result<String> {
        match verb {
            Verb::Say { platform, text, person } => {
                self.say(platform, &text.join(" "), &self.who(person.as_deref())).await
            }
            Verb::Tap { platform, title, person } => {
                self.tap(platform, &title.join(" "), &self.who(person.as_deref())).await
            }
            Verb::Read { platform, person } => self.read(platform, &self.who(person.as_deref())).await,
            Verb::Leave { platform, person } => self.leave(platform, &self.who(person.as_deref())).await,
            Verb::Human { platform, text, person } => {
                self.human(platform, &text.join(" "), &self.who(person.as_deref())).await
            }
            Verb::Phone { platform, person } => self.phone(platform, &self.who(person.as_deref())),
            Verb::Sent { platform } => self.sent(platform),
            Verb::DieToken { platform } => self.set_tokens(platform, false),
            Verb::ReviveToken { platform } => self.set_tokens(platform, true),
            Verb::LoseWebhooks { platform } => self.set_webhooks(platform, Webhooks::Lost).await,
            Verb::HoldWebhooks { platform } => self.set_webhooks(platform, Webhooks::Held).await,
            Verb::DoubleWebhooks { platform } => self.set_webhooks(platform, Webhooks::Doubled).await,
            Verb::SendWebhooks { platform } => self.set_webhooks(platform, Webhooks::Sent).await,
            Verb::FailSends { platform, how, times } => self.fail_sends(platform, how, times),
            Verb::Price { product, price } => self.price(&product, &price).await,
            Verb::Logins { what } => {
                self.facebook.auto_consent(what == Happening::On);
                self.shopify.auto_consent(what == Happening::On);
                Ok(if what == Happening::On { "Login screens consent by themselves." } else { "Login screens ask." }
                    .to_owned())
            }
            Verb::KillService => {
                self.own_service()?.kill()?;
                Ok("The service was killed. What happens now waits at the platforms.".to_owned())
            }
            Verb::StartService => {
                self.own_service()?.start().await?;
                let answers = self.deliver_again().await;
                Ok(format!("The service runs again. Webhooks that waited for it were answered {answers:?}."))
            }
            Verb::Customers { what } => {
                self.is_busy.store(what == Happening::On, Ordering::Relaxed);
                Ok(if what == Happening::On { "Customers write by themselves." } else { "Customers wait." }.to_owned())
            }
        }
    }

    fn own_service(&self) -> anyhow::Result<&Service> {
        match self.service.get() {
            Some(service) => Ok(service),
            None => bail!("the service is not ours: only the demo has one of its own"),
        }
    }

    /// What people received since the last look: where, who, what.
    pub(in crate::demo) fn news(&self) -> Vec<(Platform, String, String)> {
        let people = lock(&self.people).all();
        let mut news = Vec::new();
        for platform in Platform::messengers().filter(|platform| *platform != Platform::Linkedin) {
            for name in &people {
                let received = self.received(platform, &self.who(Some(name))).unwrap_or_default();
                let before = lock(&self.told).insert((platform, name.clone()), received.len()).unwrap_or_default();
                let new = received.into_iter().skip(before);
                news.extend(new.map(|text| (platform, name.clone(), text)));
            }
        }
        news
    }

    fn who(&self, name: Option<&str>) -> Somebody {
        lock(&self.people).find(name)
    }

    /// The Page or the Instagram account, and the person as it knows them.
    fn meta(
        &self,
        platform: Platform,
        who: &Somebody,
    ) -> anyhow::Result<(facebook::sandbox::Page, facebook::sandbox::Person)> {
        Ok(if platform == Platform::Instagram {
            (self.instagram()?, self.facebook.person(&who.instagram_id(), &who.name))
        } else {
            (self.page()?, self.facebook.person(&who.facebook_id(), &who.name))
        })
    }

    /// Delivers an item as the switch for Facebook and Instagram says.
    async fn deliver(&self, page: &facebook::sandbox::Page, item: Value) -> Vec<u16> {
        let copies = lock(&self.meta).post((page.id(), item));
        let mut answers = Vec::new();
        for (account, item) in copies {
            answers.extend(self.deliver_or_keep(&account, item).await);
        }
        answers
    }

    async fn deliver_or_keep(&self, account: &str, item: Value) -> Option<u16> {
        let page = self.facebook.page(account)?;
        let answer = page.deliver(std::slice::from_ref(&item)).await;
        if !matches!(answer, Ok(None | Some(200))) {
            lock(&self.meta).keep((account.to_owned(), item));
        }
        answer.ok().flatten()
    }

    async fn say(&self, platform: Platform, text: &str, who: &Somebody) -> anyhow::Result<String> {
        let answers = match platform {
            Platform::Facebook | Platform::Instagram => {
                let (page, person) = self.meta(platform, who)?;
                self.deliver(&page, page.message_from(&person, text)).await
            }
            Platform::Whatsapp => self.number.person(&who.phone(), &who.name).writes(text).await.answers,
            Platform::Viber => self.viber.person(&who.viber_id(), &who.name).writes(text).await.answers,
            Platform::Linkedin => {
                self.linkedin.member(&who.linkedin_id(), &who.name).comments(&self.post, text).await.answers
            }
            Platform::Shopify => return Err(has_none(platform, "messages")),
        };
        Ok(told(&format!("{} wrote on {}", who.name, platform.name()), &answers))
    }

    async fn tap(&self, platform: Platform, title: &str, who: &Somebody) -> anyhow::Result<String> {
        let answers = match platform {
            Platform::Facebook | Platform::Instagram => {
                let (page, person) = self.meta(platform, who)?;
                match page.tap(&person, title).or_else(|| page.press(&person, title)) {
                    Some(item) => Some(self.deliver(&page, item).await),
                    None => None,
                }
            }
            Platform::Whatsapp => {
                self.number.person(&who.phone(), &who.name).taps(title).await.map(|happened| happened.answers)
            }
            Platform::Viber => {
                self.viber.person(&who.viber_id(), &who.name).taps(title).await.map(|happened| happened.answers)
            }
            Platform::Linkedin | Platform::Shopify => return Err(has_none(platform, "buttons")),
        };
        match answers {
            Some(answers) => Ok(told(&format!("{} tapped", who.name), &answers)),
            None => bail!("{} sees nothing with the words “{title}” that can be tapped", who.name),
        }
    }

    async fn read(&self, platform: Platform, who: &Somebody) -> anyhow::Result<String> {
        let answers = match platform {
            Platform::Facebook | Platform::Instagram => {
                let (page, person) = self.meta(platform, who)?;
                self.deliver(&page, page.read_by(&person)).await
            }
            Platform::Whatsapp => self.number.person(&who.phone(), &who.name).reads().await,
            Platform::Viber => {
                let read = self.viber.person(&who.viber_id(), &who.name).reads().await;
                read.map(|happened| happened.answers).unwrap_or_default()
            }
            Platform::Linkedin | Platform::Shopify => return Err(has_none(platform, "receipts")),
        };
        Ok(told(&format!("{} read everything", who.name), &answers))
    }

    async fn leave(&self, platform: Platform, who: &Somebody) -> anyhow::Result<String> {
        match platform {
            Platform::Facebook | Platform::Instagram => {
                let (page, person) = self.meta(platform, who)?;
                page.set_reach(&person, facebook::sandbox::Reach::Blocked);
                Ok(format!("{} blocked the shop. Nobody is told", who.name))
            }
            Platform::Whatsapp => {
                self.number.person(&who.phone(), &who.name).blocks();
                Ok(format!("{} blocked the number. Nobody is told", who.name))
            }
            Platform::Viber => {
                let happened = self.viber.person(&who.viber_id(), &who.name).unsubscribes().await;
                Ok(told(&format!("{} unsubscribed", who.name), &happened.answers))
            }
            Platform::Linkedin | Platform::Shopify => Err(has_none(platform, "subscribers")),
        }
    }

    async fn human(&self, platform: Platform, text: &str, who: &Somebody) -> anyhow::Result<String> {
        let answers = match platform {
            Platform::Facebook | Platform::Instagram => {
                let (page, person) = self.meta(platform, who)?;
                self.deliver(&page, page.reply_to(&person, text)).await
            }
            Platform::Whatsapp => {
                let person = self.number.person(&who.phone(), &who.name);
                self.number.app_writes(&person, text).await.answers
            }
            Platform::Linkedin => self.linkedin.admin_comments(&self.post, text).await.answers,
            Platform::Viber | Platform::Shopify => return Err(has_none(platform, "inbox of its own")),
        };
        Ok(told("Somebody of the shop answered", &answers))
    }

    fn phone(&self, platform: Platform, who: &Somebody) -> anyhow::Result<String> {
        let texts = self.received(platform, who)?;
        if texts.is_empty() {
            return Ok(format!("{} has received nothing", who.name));
        }
        Ok(texts.join("\n"))
    }

    /// What the person of this name has received, the oldest first.
    pub(in crate::demo) fn phone_of(&self, platform: Platform, name: &str) -> Vec<String> {
        self.received(platform, &self.who(Some(name))).unwrap_or_default()
    }

    /// What a person has received, as it can be read.
    fn received(&self, platform: Platform, who: &Somebody) -> anyhow::Result<Vec<String>> {
        Ok(match platform {
            Platform::Facebook | Platform::Instagram => {
                let (page, person) = self.meta(platform, who)?;
                let sent = self
                    .facebook
                    .sent()
                    .into_iter()
                    .filter(|sent| sent.account == page.id() && sent.person == person.id);
                sent.map(|sent| if sent.text.is_empty() { sent.message.to_string() } else { sent.text }).collect()
            }
            Platform::Whatsapp => {
                let seen = self.number.person(&who.phone(), &who.name).received();
                seen.into_iter()
                    .map(|seen| with_choices(seen.text, seen.choices.into_iter().map(|choice| choice.title)))
                    .collect()
            }
            Platform::Viber => {
                let seen = self.viber.person(&who.viber_id(), &who.name).received();
                seen.into_iter()
                    .map(|seen| with_choices(seen.text, seen.buttons.into_iter().map(|button| button.text)))
                    .collect()
            }
            Platform::Linkedin => self.post.page_comments(),
            Platform::Shopify => return Err(has_none(platform, "messages")),
        })
    }

    fn sent(&self, platform: Platform) -> anyhow::Result<String> {
        let (count, twice) = match platform {
            Platform::Facebook | Platform::Instagram => (self.facebook.sent().len(), self.facebook.sent_twice()),
            Platform::Whatsapp => (self.whatsapp.sent().len(), self.whatsapp.sent_twice()),
            Platform::Viber => (self.viber.sent().len(), self.viber.sent_twice()),
            Platform::Linkedin => (self.linkedin.sent().len(), Vec::new()),
            Platform::Shopify => return Err(has_none(platform, "messages")),
        };
        Ok(format!("{count} taken, {} of them twice {}", twice.len(), twice.join(" ")).trim_end().to_owned())
    }

    fn set_tokens(&self, platform: Platform, alive: bool) -> anyhow::Result<String> {
        match (platform, alive) {
            (Platform::Facebook | Platform::Instagram, false) => self.facebook.revoke_tokens(460),
            (Platform::Facebook | Platform::Instagram, true) => self.facebook.revive_tokens(),
            (Platform::Whatsapp, false) => self.whatsapp.kill_tokens(),
            (Platform::Whatsapp, true) => self.whatsapp.revive_tokens(),
            (Platform::Viber, false) => self.viber.change_token("another-viber-bot-token"),
            (Platform::Viber, true) => self.viber.change_token(super::settings::VIBER_TOKEN),
            (Platform::Linkedin, false) => self.linkedin.kill_tokens(),
            (Platform::Linkedin, true) => self.linkedin.revive_tokens(),
            (Platform::Shopify, false) => self.shop()?.revoke_token(),
            (Platform::Shopify, true) => bail!("a shop's token does not come back: log in again"),
        }
        Ok(if alive { "The tokens live again" } else { "The tokens are dead" }.to_owned())
    }

    async fn set_webhooks(&self, platform: Platform, mode: Webhooks) -> anyhow::Result<String> {
        match platform {
            Platform::Facebook | Platform::Instagram => lock(&self.meta).mode = mode,
            Platform::Whatsapp => self.whatsapp.set_webhooks(mode),
            Platform::Viber => self.viber.set_webhooks(mode),
            Platform::Linkedin => self.linkedin.set_webhooks(mode),
            Platform::Shopify => bail!("the shop sends webhooks only for `price`"),
        }
        if mode != Webhooks::Sent {
            return Ok(format!("Webhooks are {} from now on", format!("{mode:?}").to_lowercase()));
        }
        let answers = self.send_waiting(platform).await;
        Ok(format!("Webhooks come as ever. Those that waited were answered {answers:?}"))
    }

    /// What becomes of the webhooks of a platform.
    fn webhooks(&self, platform: Platform) -> Webhooks {
        match platform {
            Platform::Whatsapp => self.whatsapp.webhooks(),
            Platform::Viber => self.viber.webhooks(),
            Platform::Linkedin => self.linkedin.webhooks(),
            _ => lock(&self.meta).mode,
        }
    }

    /// What nobody answered comes again, as platforms do it after a while; what is held waits on.
    async fn deliver_again(&self) -> Vec<u16> {
        let mut answers = Vec::new();
        for platform in Platform::messengers().filter(|platform| platform.of_webhooks() == *platform) {
            if self.webhooks(platform) != Webhooks::Held {
                answers.extend(self.send_waiting(platform).await);
            }
        }
        answers
    }

    async fn send_waiting(&self, platform: Platform) -> Vec<u16> {
        match platform {
            Platform::Whatsapp => self.whatsapp.release().await,
            Platform::Viber => self.viber.release().await,
            Platform::Linkedin => self.linkedin.release().await,
            _ => {
                let waiting = lock(&self.meta).release();
                let mut answers = Vec::new();
                for (account, item) in waiting {
                    answers.extend(self.deliver_or_keep(&account, item).await);
                }
                answers
            }
        }
    }

    fn fail_sends(&self, platform: Platform, how: Failing, times: usize) -> anyhow::Result<String> {
        match platform {
            Platform::Facebook | Platform::Instagram => {
                let failure = match how {
                    Failing::Throttled => facebook::sandbox::SendFailure::Throttled(613, 1),
                    Failing::Cut => facebook::sandbox::SendFailure::Cut,
                    Failing::TakenCut => facebook::sandbox::SendFailure::TakenCut,
                    Failing::Gateway => facebook::sandbox::SendFailure::Gateway(502),
                };
                self.facebook.fail_sends(times, failure);
            }
            Platform::Whatsapp => self.whatsapp.fail_sends(times, failure(how, 130_429)),
            Platform::Viber => self.viber.fail_sends(times, failure(how, 12)),
            Platform::Linkedin => self.linkedin.fail_sends(times, failure(how, 429)),
            Platform::Shopify => return Err(has_none(platform, "messages")),
        }
        Ok(format!("The next {times} will fail"))
    }

    async fn price(&self, product: &str, price: &str) -> anyhow::Result<String> {
        let is_price = price.parse::<f64>().is_ok_and(|number| number.is_finite() && number >= 0.0);
        ensure!(is_price, "“{price}” is no price");
        let shop = self.shop()?;
        let found =
            shop.products().into_iter().find(|one| one.title().to_lowercase().contains(&product.to_lowercase()));
        let Some(found) = found else { bail!("no product has “{product}” in its title") };
        found.set_price(price);
        let answers = shop.deliver("products/update", &found.webhook()).await;
        Ok(told(&format!("“{}” costs {price} now", found.title()), &answers))
    }
}

fn failure<R>(how: Failing, throttled: R) -> SendFailure<R> {
    match how {
        Failing::Throttled => SendFailure::Refused(throttled),
        Failing::Cut => SendFailure::Cut,
        Failing::TakenCut => SendFailure::TakenCut,
        Failing::Gateway => SendFailure::Gateway(502),
    }
}

/// A text with what can be tapped below it.
fn with_choices(text: String, titles: impl Iterator<Item = String>) -> String {
    let titles: Vec<String> = titles.filter(|title| !title.is_empty()).map(|title| format!("[{title}]")).collect();
    if titles.is_empty() { text } else { format!("{text}  {}", titles.join(" ")) }
}
