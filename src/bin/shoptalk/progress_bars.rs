//! What a command tells while it works: on a terminal one bar for each account, elsewhere plain lines.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use shoptalk::shared::telemetry::logging;
use shoptalk::shared::under_way::Step;

/// A bar without colours, so that `NO_COLOR` has nothing to say. Of what is counted nobody may know the end: then it turns.
const WITH_END: &str = "{prefix}  [{bar:30}] {pos}/{len} {msg}";
const WITHOUT_END: &str = "{prefix}  {spinner} {pos} {msg}";

/// Where nothing can be drawn, an account is told of at most this often: a file shall tell what happened, not how fast.
const LINE_EVERY: Duration = Duration::from_secs(3);

/// The bars of all accounts.
pub struct Bars {
    all: MultiProgress,
    bars: BTreeMap<(String, String), ProgressBar>,
    /// `None`: it is a terminal, and bars are drawn. Lines go to the standard error, apart from what a command has to say.
    lines: Option<Lines>,
    /// The first failure to write.
    failed: Option<std::io::Error>,
}

/// What was said of each account last, and when.
#[derive(Default)]
struct Lines(BTreeMap<(String, String), (Instant, String)>);

impl Lines {
    /// The line that tells how far the read of an account has come, if it is time for one and it says something new.
    fn line(&mut self, step: &Step, now: Instant) -> Option<String> {
        let Step { channel, account, what, done, known } = step;
        let line = match known {
            Some(known) => format!("{channel} {account}: reading {what}, {done} of {}", known.max(done)),
            None if *done > 0 => format!("{channel} {account}: reading {what}, {done} so far"),
            None => format!("{channel} {account}: reading {what}"),
        };
        let account = (channel.clone(), account.clone());
        if let Some((at, said)) = self.0.get(&account)
            && (now.saturating_duration_since(*at) < LINE_EVERY || *said == line)
        {
            return None;
        }
        self.0.insert(account, (now, line.clone()));
        Some(line)
    }
}

impl Bars {
    /// Results on the standard output; progress there only where it is a terminal.
    pub fn new() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let target = if terminal { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        let lines = (!terminal).then(Lines::default);
        Self { all: MultiProgress::with_draw_target(target), bars: BTreeMap::new(), lines, failed: None }
    }

    /// How far the read of an account has come.
    pub fn show(&mut self, step: Step) {
        if let Some(lines) = &mut self.lines {
            if let Some(line) = lines.line(&step, Instant::now()) {
                logging::say(&line);
            }
            return;
        }
        let Step { channel, account, what, done, known } = step;
        let name = format!("{channel} {account}");
        let bar = self.bars.entry((channel, account)).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::no_length());
            bar.set_prefix(name);
            bar
        });
        let template = if known.is_some() { WITH_END } else { WITHOUT_END };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        match known {
            // What came meanwhile is no reason for a bar beyond its end.
            Some(known) => bar.set_length(known.max(done)),
            None => bar.unset_length(),
        }
        bar.set_message(what.to_string());
        bar.set_position(done);
    }

    /// The account is done: its bar goes, the sentence stays. It is no result, so what reads the output is not told.
    pub fn end(&mut self, channel: &str, account: &str, sentence: &str) {
        self.take_away(channel, account);
        match self.lines {
            None => self.say(sentence),
            Some(_) => logging::say(sentence),
        }
    }

    /// The account could not be read: its bar goes, and why is said apart from results.
    pub fn fail(&mut self, channel: &str, account: &str, sentence: &str) {
        self.take_away(channel, account);
        self.all.suspend(|| logging::say(sentence));
    }

    fn take_away(&mut self, channel: &str, account: &str) {
        if let Some(bar) = self.bars.remove(&(channel.to_owned(), account.to_owned())) {
            bar.finish_and_clear();
        }
    }

    /// A sentence that stays.
    pub fn say(&mut self, sentence: &str) {
        let said = match self.lines {
            None => self.all.println(sentence),
            Some(_) => writeln!(std::io::stdout(), "{sentence}"),
        };
        // A reader that went away is no reason to stop the work.
        if let Err(error) = said {
            self.failed.get_or_insert(error);
        }
    }

    /// Whether everything could be shown.
    pub fn shown(mut self) -> std::io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        let _ = self.all.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(account: &str, done: u64, known: Option<u64>) -> Step {
        Step { channel: "shopify".to_owned(), account: account.to_owned(), what: "products".into(), done, known }
    }

    #[test]
    fn without_a_terminal_each_account_has_a_line_now_and_then_that_says_something_new() {
        let (begun, mut lines) = (Instant::now(), Lines::default());
        let mut say = |after_ms: u64, step: Step| lines.line(&step, begun + Duration::from_millis(after_ms));
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(say(0, step("one", 0, None)), said("shopify one: reading products"));
        // The steps of one account do not silence another's.
        assert_eq!(say(100, step("two", 7, None)), said("shopify two: reading products, 7 so far"));
        for after_ms in (200..3_000).step_by(100) {
            assert_eq!(say(after_ms, step("one", after_ms, Some(4_000))), None);
        }
        assert_eq!(say(3_000, step("one", 3_000, Some(4_000))), said("shopify one: reading products, 3000 of 4000"));
        assert_eq!(say(9_000, step("one", 3_000, Some(4_000))), None, "nothing new");
        assert_eq!(say(9_100, step("one", 4_100, Some(4_000))), said("shopify one: reading products, 4100 of 4100"));
        assert_eq!(say(9_200, step("two", 8, None)), said("shopify two: reading products, 8 so far"));
    }

    #[test]
    fn each_account_has_a_bar_with_an_end_where_one_is_known() {
        let mut bars = Bars {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            bars: BTreeMap::new(),
            lines: None,
            failed: None,
        };
        bars.show(step("one", 5, Some(20)));
        bars.show(step("two", 7, None));
        bars.show(step("one", 25, Some(20)));
        let seen = |bars: &Bars| -> Vec<(String, u64, Option<u64>)> {
            bars.bars.values().map(|bar| (bar.prefix(), bar.position(), bar.length())).collect()
        };
        assert_eq!(seen(&bars), [("shopify one".to_owned(), 25, Some(25)), ("shopify two".to_owned(), 7, None)]);
        bars.end("shopify", "one", "done");
        assert_eq!(seen(&bars).len(), 1);
    }
}
