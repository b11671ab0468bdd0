//! What a command tells while it works: on a terminal one bar for each account, elsewhere plain lines.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use shoptalk::shared::progress::Step;

/// A bar without colours, so that `NO_COLOR` has nothing to say. Of what is counted nobody may know the end: then it turns.
const WITH_END: &str = "{prefix}  [{bar:30}] {pos}/{len} {msg}";
const WITHOUT_END: &str = "{prefix}  {spinner} {pos} {msg}";

/// The bars of all accounts.
pub struct Bars {
    all: MultiProgress,
    bars: BTreeMap<(String, String), ProgressBar>,
    terminal: bool,
}

impl Bars {
    /// On the standard output.
    pub fn new() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let target = if terminal { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        Self { all: MultiProgress::with_draw_target(target), bars: BTreeMap::new(), terminal }
    }

    /// How far the read of an account has come.
    pub fn show(&mut self, step: Step) {
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
        bar.set_message(what);
        bar.set_position(done);
    }

    /// The account is done, or could not be: its bar goes, the sentence stays.
    pub fn end(&mut self, channel: &str, account: &str, sentence: &str) {
        if let Some(bar) = self.bars.remove(&(channel.to_owned(), account.to_owned())) {
            bar.finish_and_clear();
        }
        self.say(sentence);
    }

    /// A sentence that stays.
    pub fn say(&self, sentence: &str) {
        // A reader that went away is no reason to stop the work.
        if self.terminal {
            let _ = self.all.println(sentence);
        } else {
            let _ = writeln!(std::io::stdout(), "{sentence}");
        }
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

    #[test]
    fn each_account_has_a_bar_with_an_end_where_one_is_known() {
        let mut bars = Bars {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            bars: BTreeMap::new(),
            terminal: true,
        };
        let step = |account: &str, done, known| Step {
            channel: "shopify".to_owned(),
            account: account.to_owned(),
            what: "products".to_owned(),
            done,
            known,
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
