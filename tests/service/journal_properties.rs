//! Promises of journal and files that hold for any deliveries: compared with a small model of them.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde_json::value::RawValue;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::journal_checks::{NOON_MS, OTHER_PAGE, body_of, delete_older_than, document_of, file_of, rebuild};
use crate::test_app::{PAGE, TestApp};

/// One that is connected from the beginning, one that connects some time later, one that nobody connects.
const PAGES: [&str; 3] = [PAGE, OTHER_PAGE, "100000000000103"];
const PERSONS: [&str; 2] = ["7000000000000001", "7000000000000002"];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Message,
    Echo,
    Unsend,
    Edit,
    Reaction,
    Read,
    Delivery,
    Postback,
    OldPostback,
    Optin,
}

const KINDS: [Kind; 10] = [
    Kind::Message,
    Kind::Echo,
    Kind::Unsend,
    Kind::Edit,
    Kind::Reaction,
    Kind::Read,
    Kind::Delivery,
    Kind::Postback,
    Kind::OldPostback,
    Kind::Optin,
];

/// One sighting of something that happened.
#[derive(Debug, Clone)]
struct Item {
    page: usize,
    person: usize,
    kind: Kind,
    /// What happened, within its kind: few, so that there are repeats.
    number: u8,
    /// Milliseconds after noon: few, so that some are equal.
    time: i64,
    /// How it is written down: repeats need not have the same bytes.
    spelling: u8,
}

impl Item {
    /// The item as the platform sends it.
    fn text(&self) -> String {
        let (page, person, number, time) = (PAGES[self.page], PERSONS[self.person], self.number, NOON_MS + self.time);
        let mid = format!("m_{person}_{number}");
        let content = match self.kind {
            Kind::Message => format!(r#""message":{{"mid":"{mid}","text":"{number}"}}"#),
            Kind::Echo => format!(r#""message":{{"is_echo":true,"app_id":26390203743090,"mid":"{mid}"}}"#),
            // Of a message that nobody here sends: what an unsend does to others is the business of facebook_unsend.rs.
            Kind::Unsend => format!(r#""message":{{"mid":"{mid}_gone","is_deleted":true}}"#),
            Kind::Edit => format!(r#""message_edit":{{"mid":"{mid}","text":"new","num_edit":{}}}"#, self.edits()),
            Kind::Reaction => format!(r#""reaction":{{"mid":"{mid}","action":"react","emoji":"\u2764"}}"#),
            Kind::Read => format!(r#""read":{{"watermark":{}}}"#, NOON_MS + i64::from(number)),
            Kind::Delivery => format!(r#""delivery":{{"watermark":{}}}"#, NOON_MS + i64::from(number)),
            Kind::Postback => format!(r#""postback":{{"mid":"{mid}","title":"Buy","payload":"BUY"}}"#),
            Kind::OldPostback => format!(r#""postback":{{"title":"Buy","payload":"BUY {number}"}}"#),
            Kind::Optin => format!(r#""optin":{{"ref":"cart-{number}"}}"#),
        };
        let (sender, recipient) = if matches!(self.kind, Kind::Echo) { (page, person) } else { (person, page) };
        let time = match self.spelling {
            0 => format!(r#""timestamp":{time},"#),
            1 => format!(r#""timestamp" : "{time}" , "#),
            2 => format!(r#""timestamp":{time}.0,"#),
            _ => format!("\"x\":[1.0e5,\"\\ud83d\"],\n\"timestamp\":{time},"),
        };
        format!(r#"{{"sender":{{"id":"{sender}"}},"recipient":{{"id":"{recipient}"}},{time}{content}}}"#)
    }

    fn edits(&self) -> &str {
        if self.spelling == 1 { "\"1\"" } else { "1" }
    }

    /// What makes two sightings one event.
    fn key(&self) -> String {
        let Self { page, person, kind, number, time, .. } = self;
        let name = match kind {
            Kind::Message | Kind::Echo | Kind::Postback => format!("mid {number}"),
            Kind::Reaction | Kind::OldPostback => format!("{kind:?} {number} at {time}"),
            Kind::Optin => format!("{kind:?} at {time}"),
            Kind::Unsend | Kind::Edit | Kind::Read | Kind::Delivery => format!("{kind:?} {number}"),
        };
        format!("{page} {person} {name}")
    }

    fn opens(&self) -> bool {
        matches!(self.kind, Kind::Message | Kind::Echo | Kind::Postback | Kind::OldPostback | Kind::Optin)
    }
}

#[derive(Debug, Clone)]
struct Delivery {
    items: Vec<Item>,
    /// Whether each item has an entry of its own; else neighbours of one Page share one.
    apart: bool,
    standby: bool,
}

impl Delivery {
    fn body(&self) -> String {
        let mut entries: Vec<(usize, Vec<String>)> = Vec::new();
        for item in &self.items {
            match entries.last_mut() {
                Some((page, texts)) if *page == item.page && !self.apart => texts.push(item.text()),
                _ => entries.push((item.page, vec![item.text()])),
            }
        }
        let member = if self.standby { "standby" } else { "messaging" };
        let entries: Vec<String> = entries
            .into_iter()
            .map(|(page, texts)| {
                let (page, texts) = (PAGES[page], texts.join(" , "));
                format!(r#"{{"id":"{page}","time":{NOON_MS},"{member}":[{texts}]}}"#)
            })
            .collect();
        format!(r#"{{"object":"page","entry":[{}]}}"#, entries.join(","))
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// These at the same time; where they are several, while the consumers work.
    AtOnce(Vec<Delivery>),
    /// One delivery of an earlier step once more.
    Again(Index),
    Work,
    Restart,
    /// Everything that may be deleted by age is deleted.
    Delete,
}

fn item() -> impl Strategy<Value = Item> {
    let kind = (0..KINDS.len()).prop_map(|number| KINDS[number]);
    let page = prop_oneof![4 => Just(0), 3 => Just(1), 1 => Just(2)];
    (page, 0..PERSONS.len(), kind, 0..4_u8, 0..5_i64, 0..4_u8)
        .prop_map(|(page, person, kind, number, time, spelling)| Item { page, person, kind, number, time, spelling })
}

fn delivery() -> impl Strategy<Value = Delivery> {
    (prop::collection::vec(item(), 1..7), any::<bool>(), prop::bool::weighted(0.2))
        .prop_map(|(items, apart, standby)| Delivery { items, apart, standby })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => delivery().prop_map(|delivery| Step::AtOnce(vec![delivery])),
        3 => prop::collection::vec(delivery(), 2..6).prop_map(Step::AtOnce),
        1 => any::<Index>().prop_map(Step::Again),
        2 => Just(Step::Work),
        1 => Just(Step::Restart),
        1 => Just(Step::Delete),
    ];
    prop::collection::vec(step, 1..14)
}

/// Where an event was seen: in which step, in which delivery of it, at which place there.
type Place = (usize, usize, usize);

/// What is known of the events: of each, where it may have been stored.
#[derive(Default)]
struct Model {
    seen: BTreeMap<String, Vec<(Place, Item)>>,
    /// In which steps events were deleted: what was in a file then may stay before all that came later.
    deleted: Vec<usize>,
}

impl Model {
    /// The events of this delivery arrive. What came in an earlier step changes nothing any more.
    fn see(&mut self, step: usize, number: usize, delivery: &Delivery) {
        for (at, item) in delivery.items.iter().enumerate() {
            let seen = self.seen.entry(item.key()).or_default();
            if seen.iter().all(|((other, beside, _), _)| *other == step && *beside != number) {
                seen.push(((step, number, at), item.clone()));
            }
        }
    }

    fn of_page(&self, page: usize) -> impl Iterator<Item = &Vec<(Place, Item)>> {
        self.seen.values().filter(move |seen| seen[0].1.page == page)
    }

    fn assert_file(&self, page: usize, person: usize, file: Option<&str>) {
        let mut expected: Vec<&Vec<(Place, Item)>> =
            self.of_page(page).filter(|seen| seen[0].1.person == person).collect();
        if !expected.iter().any(|seen| seen[0].1.opens()) {
            assert_eq!(file, None, "nothing opened this conversation");
            return;
        }
        let file = file.expect("a conversation that was opened");
        let found: Vec<&RawValue> = serde_json::from_str(file).unwrap();
        let found: Vec<&str> = found.into_iter().map(RawValue::get).collect();
        assert_eq!(file, document_of(&found));
        assert_eq!(found.len(), expected.len());
        let mut order: Vec<(i64, Vec<Place>)> = Vec::new();
        for text in found {
            let is_it = |seen: &&Vec<(Place, Item)>| seen.iter().any(|(_, item)| item.text() == text);
            let at = expected.iter().position(is_it).unwrap_or_else(|| panic!("not expected, or twice: {text}"));
            let seen: Vec<&(Place, Item)> =
                expected.swap_remove(at).iter().filter(|(_, item)| item.text() == text).collect();
            order.push((seen[0].1.time, seen.iter().map(|(place, _)| *place).collect()));
        }
        for (at, (time, places)) in order.iter().enumerate() {
            for (later_time, later_places) in &order[at + 1..] {
                let between = |deleted: &usize| {
                    places.iter().any(|(step, ..)| step < deleted)
                        && later_places.iter().any(|(step, ..)| deleted < step)
                };
                let deleted = self.deleted.iter().any(between);
                assert!(time <= later_time || deleted, "not in order of time:\n{file}");
                // Of two that came at once, either may have been first.
                let comes_first = |one: &Place, other: &Place| {
                    one.0 < other.0 || (one.0 == other.0 && one.1 == other.1 && one.2 < other.2)
                };
                let possible = places.iter().any(|one| later_places.iter().any(|other| !comes_first(other, one)));
                assert!(time != later_time || possible, "not in order of arrival:\n{file}");
            }
        }
    }
}

fn files(app: &TestApp) -> BTreeMap<(usize, usize), Option<String>> {
    let all = (0..PAGES.len()).flat_map(|page| (0..PERSONS.len()).map(move |person| (page, person)));
    all.map(|(page, person)| ((page, person), app.text(&file_of(PAGES[page], PERSONS[person])))).collect()
}

async fn files_equal_the_model(steps: Vec<Step>, connect_before: usize) {
    let mut app = TestApp::start().await;
    app.facebook.add_page(OTHER_PAGE, "Other Page").set_ticked(false);
    app.connect().await;
    let mut model = Model::default();
    let mut sent: Vec<Delivery> = Vec::new();
    let connect = async |app: &TestApp| {
        app.facebook.page(OTHER_PAGE).unwrap().set_ticked(true);
        app.connect().await;
    };
    for (number, step) in steps.iter().enumerate() {
        let deliveries = match step {
            Step::AtOnce(deliveries) => deliveries.clone(),
            Step::Again(_) if sent.is_empty() => Vec::new(),
            Step::Again(index) => vec![index.get(&sent).clone()],
            Step::Work => Vec::new(),
            // What nobody has connected is deleted by age, too, and does not come back with the connection.
            Step::Delete if number <= connect_before => Vec::new(),
            Step::Delete => {
                app.work().await;
                app.clock.advance(Duration::from_secs(1));
                delete_older_than(&app, 0).await;
                model.deleted.push(number);
                Vec::new()
            }
            Step::Restart => {
                app = app.restart().await;
                app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
                Vec::new()
            }
        };
        let mut at_once = JoinSet::new();
        for (beside, delivery) in deliveries.iter().enumerate() {
            model.see(number, beside, delivery);
            let (facebook, body) = (app.facebook.clone(), delivery.body());
            at_once.spawn(async move { facebook.deliver_raw(body.as_bytes()).await.unwrap() });
        }
        let beside = async {
            if number == connect_before {
                connect(&app).await;
            }
            if deliveries.len() != 1 {
                app.work().await;
            }
        };
        let (answers, ()) = tokio::join!(at_once.join_all(), beside);
        assert_eq!(answers, vec![200; deliveries.len()]);
        sent.extend(deliveries);
    }
    if connect_before >= steps.len() {
        connect(&app).await;
    }
    app.settle().await;

    let (events, apart, parked) = app.counts().await;
    if model.deleted.is_empty() {
        assert_eq!(usize::try_from(events).unwrap(), model.seen.len(), "each event once");
    }
    let (apart, of_nobody) = (usize::try_from(apart).unwrap(), model.of_page(2).count());
    assert!(
        apart == of_nobody || (apart < of_nobody && !model.deleted.is_empty()),
        "of the Page that nobody connected"
    );
    assert_eq!(parked, 0);
    let written = files(&app);
    for (&(page, person), file) in &written {
        if page == 2 {
            assert_eq!(*file, None, "nobody connected this Page");
        } else {
            model.assert_file(page, person, file.as_deref());
        }
    }
    // Of what was deleted the files are the only copy.
    for ((page, person), _) in written.iter().filter(|(_, file)| file.is_some() && model.deleted.is_empty()) {
        std::fs::remove_file(app.path(&file_of(PAGES[*page], PERSONS[*person]))).unwrap();
    }
    rebuild(&app).await;
    assert_eq!(files(&app), written, "made anew they are the same");
    app.finish().await;
}

/// Any JSON, as text: numbers of any size, escapes that mean nothing, names that come twice, spaces.
fn json_text() -> impl Strategy<Value = String> {
    let space = || "[ \t\r\n]{0,2}";
    let piece = prop_oneof![
        4 => "[^\"\\\\\\x00-\\x1f]{0,6}",
        3 => prop::sample::select(vec![
            "\\n", "\\\"", "\\\\", "\\/", "\\b", "\\u0000", "\\u00e9", "\\uD83D\\uDE00", "\\ud83d", "\\udc00\\ud800", "\\uFFFF",
            "\u{feff}", "\u{2028}", "é😀",
        ]).prop_map(str::to_owned),
    ];
    let string = prop::collection::vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()));
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "-0",
            "0.0",
            "1E+2",
            "1e-400",
            "1e999999",
            "9007199254740993"
        ])
        .prop_map(str::to_owned),
        "-?(0|[1-9][0-9]{0,60})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,5})?",
        string,
    ];
    let nested = leaf.prop_recursive(6, 40, 6, move |inner| {
        let element = (space(), inner.clone(), space()).prop_map(|(before, value, after)| before + &value + &after);
        let name =
            prop::sample::select(vec!["\"a\"", "\"\"", "\"mid\"", "\"message\"", "\"\\u006did\"", "\"\\ud800\""]);
        let member = (space(), name, space(), space(), inner, space()).prop_map(
            |(first, name, second, third, value, fourth)| format!("{first}{name}{second}:{third}{value}{fourth}"),
        );
        prop_oneof![
            prop::collection::vec(element, 0..6).prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    });
    // What is nested deeper than 100 is kept apart.
    let depth = prop_oneof![9 => Just(0_usize), 1 => 50..85_usize];
    (nested, depth).prop_map(|(inner, depth)| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth)))
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn bounded(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 150, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(bounded(32))]

    #[test]
    fn after_any_deliveries_the_files_hold_each_event_once_in_order(steps in steps(), connect_before in 0..14_usize) {
        runtime().block_on(files_equal_the_model(steps, connect_before));
    }
}

#[test]
fn any_json_inside_an_item_comes_out_byte_for_byte() {
    let runtime = runtime();
    let app = runtime.block_on(async {
        let app = TestApp::start().await;
        app.connect().await;
        app
    });
    let number = std::cell::Cell::new(0);
    let batch = prop::collection::vec((json_text(), 0..4_u8), 1..6);
    let all = std::cell::RefCell::new(BTreeMap::new());
    TestRunner::new(bounded(40))
        .run(&batch, |values| {
            number.set(number.get() + 1);
            let person = format!("70000000000{:04}", number.get());
            let items: Vec<String> = values
                .iter()
                .enumerate()
                .map(|(at, (value, place))| {
                    let extra = |here| if *place == here { format!(r#""extra" : {value},"#) } else { String::new() };
                    let (first, second, third, fourth) = (extra(0), extra(1), extra(2), extra(3));
                    format!(
                        r#"{{{first}"sender":{{{second}"id":"{person}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{NOON_MS},{third}"message":{{{fourth}"mid":"m_{person}_{at}"}}}}"#
                    )
                })
                .collect();
            runtime.block_on(async {
                prop_assert_eq!(app.facebook.deliver_raw(body_of(&items).as_bytes()).await.unwrap(), 200);
                app.work().await;
                prop_assert_eq!(app.text(&file_of(PAGE, &person)), Some(document_of(&items)));
                Ok(())
            })?;
            all.borrow_mut().insert(person, document_of(&items));
            Ok(())
        })
        .unwrap();
    runtime.block_on(async {
        assert_eq!(app.counts().await.1, 0, "nothing was set apart");
        rebuild(&app).await;
        for (person, document) in all.into_inner() {
            assert_eq!(app.text(&file_of(PAGE, &person)), Some(document));
        }
        app.finish().await;
    });
}
