//! The unattended story with the built-in responder: customers ask, hear price and stock as they are now, and a person takes over.

use anyhow::{Context, ensure};
use serde_json::Value;

use super::platforms::{Platform, Verb};
use super::stage::Stage;
use super::story::{Api, CUSTOMER, connect, say_on, until};
use super::telling::say;

/// The story.
///
/// # Errors
/// When a step does not lead to what it must lead to.
pub async fn tell(stage: &Stage) -> anyhow::Result<()> {
    say("1. The merchant connects the shop and the Page; the accounts on the other platforms join by themselves.");
    let (browser, merchant) = connect(stage).await?;
    let api = Api::new(stage, merchant).await?;
    // Comments on a post are public, and bots are silent there. The new platform does not know Instagram's subscription of an
    // earlier demo; the hourly check will make it anew.
    let is_tried = |platform: &Platform| match platform {
        Platform::Linkedin => false,
        Platform::Instagram => stage.is_first,
        _ => true,
    };
    let platforms: Vec<Platform> = Platform::messengers().filter(is_tried).collect();
    for platform in &platforms {
        until(platform.name(), || stage.platforms.is_heard(*platform)).await?;
    }

    say("2. The merchant lets the bot answer on every account.");
    for platform in &platforms {
        let account = account_of(&api, platform.channel()).await?;
        browser.press(&format!("/bot/{}/{account}", platform.channel()), ("on", "yes")).await?;
    }
    until_price(&api, "640.00").await?;

    say("3. Customers ask on every platform, and hear the price and the stock as they are now:");
    for platform in &platforms {
        asks(stage, *platform, "Hi! How much is the Snowboard Classic?", "640.00 EUR, 8 in stock").await?;
    }

    say("4. The price changes. Who asks again hears the new one:");
    stage.price_changes("649.00").await?;
    until_price(&api, "649.00").await?;
    for platform in &platforms {
        asks(stage, *platform, "How much is it now?", "649.00 EUR").await?;
    }

    say("5. A customer wants a person; the bot hands over, a person answers, and the bot stays silent:");
    takes_over(stage, &api).await
}

/// A customer asks, and hears something with these words.
async fn asks(stage: &Stage, platform: Platform, question: &str, words: &str) -> anyhow::Result<()> {
    let before = stage.platforms.phone_of(platform, CUSTOMER).len();
    stage.platforms.play(say_on(platform, question)).await?;
    say(&format!("   {CUSTOMER} on {}: {question}", platform.name()));
    let answer =
        || stage.platforms.phone_of(platform, CUSTOMER).into_iter().skip(before).find(|text| text.contains(words));
    until("the bot's answer", || answer().is_some()).await?;
    let answer = answer().unwrap_or_default();
    say(&format!("   the bot: {}", answer.lines().last().unwrap_or_default()));
    Ok(())
}

async fn takes_over(stage: &Stage, api: &Api<'_>) -> anyhow::Result<()> {
    let platform = Platform::Whatsapp;
    let mut after = api.get("/api/v1/events").await?["next"].as_i64().context("the feed has no end")?;
    stage.platforms.play(say_on(platform, "Can I talk to a person, please?")).await?;
    event(api, &mut after, "takeover", |event| event["channel"] == platform.channel()).await?;
    let text = vec!["Here is Kim. What can I do for you?".to_owned()];
    stage.platforms.play(Verb::Human { platform, text, person: Some(CUSTOMER.to_owned()) }).await?;
    let before = stage.platforms.phone_of(platform, CUSTOMER).len();
    let question = "Do you have boots?";
    stage.platforms.play(say_on(platform, question)).await?;
    let told = event(api, &mut after, "message", |event| event["text"] == question).await?;
    ensure!(told["bot_may_answer"] == false, "the bot may answer although a person does: {told}");
    ensure!(stage.platforms.phone_of(platform, CUSTOMER).len() == before, "the bot spoke although a person answers");
    say("   The bot is silent.");
    Ok(())
}

/// The next event of a kind for which this is so.
async fn event(api: &Api<'_>, after: &mut i64, kind: &str, is_it: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    for _ in 0..10 {
        let page = api.get(&format!("/api/v1/events?after={after}&types={kind}&wait=6")).await?;
        *after = page["next"].as_i64().unwrap_or(*after);
        if let Some(found) = page["events"].as_array().into_iter().flatten().find(|event| is_it(event)) {
            return Ok(found.clone());
        }
    }
    anyhow::bail!("the feed tells of no {kind}")
}

/// The account of a channel, as soon as it is connected.
async fn account_of(api: &Api<'_>, channel: &str) -> anyhow::Result<String> {
    for _ in 0..100 {
        let me = api.get("/api/v1/me").await?;
        let found = me["accounts"].as_array().into_iter().flatten().find(|account| account["channel"] == channel);
        if let Some(account) = found.and_then(|account| account["id"].as_str()) {
            return Ok(account.to_owned());
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    anyhow::bail!("{channel} was not connected")
}

/// Waits until searches give this price.
async fn until_price(api: &Api<'_>, price: &str) -> anyhow::Result<()> {
    for _ in 0..200 {
        let found = api.get("/api/v1/products?q=snowboard+classic").await?;
        if found["products"][0]["price"] == price {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("no search gives the price {price}")
}
