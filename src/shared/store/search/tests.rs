//! The index beside a small model: whatever changes came in whatever steps, it finds what reading all products would find.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::words::{asked_words, may_begin, words_to_index};
use super::*;

fn account() -> (String, String) {
    ("a_channel".to_owned(), "a shop".to_owned())
}

fn index() -> (SearchIndex, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    (SearchIndex::open(&folder.path().join("search.db")).expect("opened"), folder)
}

fn entry(id: &str, title: &str) -> Entry {
    Entry { id: id.to_owned(), title: title.to_owned(), available: true, ..Entry::default() }
}

fn put(id: &str, title: &str) -> IndexChange {
    IndexChange::put(&entry(id, title))
}

fn find(index: &SearchIndex, q: &str) -> BTreeSet<(String, Option<Level>)> {
    let query = Query { q: q.to_owned(), limit: 1000, ..Query::default() };
    let hits = index.find(&[account()], &query).expect("found");
    hits.into_iter().map(|hit| (hit.id, hit.level)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_index_finds_what_reading_all_products_would_find(
        steps in proptest::collection::vec(
            proptest::collection::vec((0..12_u8, proptest::option::of("[ab日本]{1,3}( [abč日]{1,3}){0,3}")), 1..6), 1..8),
        q in "[ab日本]{1,3}( [abc]{2,3}){0,1}",
    ) {
        let (index, _folder) = index();
        let mut model: BTreeMap<String, String> = BTreeMap::new();
        for (position, changes) in steps.into_iter().enumerate() {
            let made = changes.into_iter().map(|(id, title)| {
                let id = format!("id-{id}");
                match title {
                    Some(title) => {
                        model.insert(id.clone(), title.clone());
                        put(&id, &title)
                    }
                    None => {
                        model.remove(&id);
                        IndexChange::Remove(id)
                    }
                }
            }).collect();
            index.apply(vec![(account(), made)], i64::try_from(position).expect("few"), None).expect("applied");
        }
        let words = asked_words(&q, 32);
        let has = |title: &str, word: &String| words_to_index(title).iter().any(|known| {
            known == word || (may_begin(word) && known.starts_with(word.as_str()))
        });
        let expected: BTreeSet<_> = model
            .iter()
            .filter(|(_, title)| words.iter().all(|word| has(title, word)))
            .map(|(id, _)| (id.clone(), Some(Level::Words)))
            .collect();
        let found = find(&index, &q);
        if expected.is_empty() {
            prop_assert!(found.iter().all(|(_, level)| matches!(level, Some(Level::Some | Level::Similar))));
        } else {
            prop_assert_eq!(found, expected);
        }
        let all: BTreeSet<String> = find(&index, "").into_iter().map(|(id, _)| id).collect();
        prop_assert_eq!(all, model.into_keys().collect::<BTreeSet<_>>());
    }

    #[test]
    fn no_query_breaks_the_index(q in "\\PC*", odd: Vec<char>) {
        let (index, _folder) = index();
        index.apply(vec![(account(), vec![put("1", &q), put("2", "snowboard")])], 1, None).expect("applied");
        find(&index, &odd.into_iter().collect::<String>());
        let found = find(&index, &q);
        prop_assert!(asked_words(&q, 1).is_empty() || !found.is_empty());
    }
}

#[test]
fn a_mistyped_word_is_found_also_when_it_came_after_the_words_were_learnt() {
    let (index, _folder) = index();
    index.apply(vec![(account(), vec![put("1", "snowboard")])], 1, None).expect("applied");
    let only = |id: &str| BTreeSet::from([(id.to_owned(), Some(Level::Similar))]);
    assert_eq!(find(&index, "snowbord"), only("1"));
    index
        .apply(vec![(account(), vec![put("2", "teapot"), IndexChange::Remove("1".to_owned())])], 2, None)
        .expect("applied");
    assert_eq!(find(&index, "teapto"), only("2"));
    assert_eq!(find(&index, "snowbord"), BTreeSet::new());
}

#[test]
fn with_more_beginnings_than_are_read_the_other_words_still_find_theirs() {
    let (index, _folder) = index();
    let mut changes: Vec<IndexChange> =
        (0..11_000).map(|number| put(&number.to_string(), &format!("77x{number:05}"))).collect();
    changes.push(put("last", "77z teapot"));
    index.apply(vec![(account(), changes)], 1, None).expect("applied");
    assert_eq!(find(&index, "teapot 77"), BTreeSet::from([("last".to_owned(), Some(Level::Words))]));
    assert_eq!(find(&index, "77").len(), 1000);
    assert_eq!(find(&index, "77x10999"), BTreeSet::from([("10999".to_owned(), Some(Level::Words))]));
}

#[test]
fn damage_that_shows_while_the_index_is_used_is_noticed_and_mended() {
    let (index, folder) = index();
    let many = (0..500).map(|number| put(&number.to_string(), &format!("teapot number{number}"))).collect();
    index.apply(vec![(account(), many)], 1, None).expect("applied");
    index.write(sqlite::empty_log).expect("emptied");
    index.forget_readers();
    let path = folder.path().join("search.db");
    let bytes = std::fs::read(&path).expect("read");
    let spoilt: Vec<u8> = bytes.iter().enumerate().map(|(at, byte)| if at < 4096 { *byte } else { 0x77 }).collect();
    std::fs::write(&path, spoilt).expect("written");
    let query = Query { q: "teapot".to_owned(), limit: 5, ..Query::default() };
    assert!(index.find(&[account()], &query).is_err());
    assert!(index.is_damaged());
    index.start_over(7, "").expect("begun anew");
    assert!(!index.is_damaged());
    let state = index.state().expect("a state");
    assert_eq!((state.position, state.walked.as_deref()), (7, Some("")));
    assert_eq!(find(&index, "teapot"), BTreeSet::new());
}

#[test]
fn a_reader_of_a_file_that_was_replaced_is_not_used_again() {
    let (index, _folder) = index();
    index.apply(vec![(account(), vec![put("1", "teapot")])], 1, None).expect("applied");
    index
        .read(|_| {
            index.start_over(7, "").expect("begun anew");
            Ok(())
        })
        .expect("read");
    index.apply(vec![(account(), vec![put("2", "kettle")])], 8, None).expect("applied");
    for _ in 0..3 {
        assert_eq!(find(&index, "kettle"), BTreeSet::from([("2".to_owned(), Some(Level::Words))]));
        assert_eq!(find(&index, "teapot"), BTreeSet::new());
    }
}

#[test]
fn what_does_not_change_is_not_written() {
    let (index, _folder) = index();
    let many = || (0..50).map(|number| put(&number.to_string(), &format!("teapot number{number}"))).collect();
    let rows = || index.write(|connection| Ok(connection.total_changes())).expect("counted");
    index.apply(vec![(account(), many())], 1, None).expect("applied");
    let before = rows();
    index.apply(vec![(account(), many())], 2, None).expect("applied");
    assert_eq!(rows() - before, 1, "how far the index has come, and nothing else");
    // Of two changes of one product the later one counts.
    let twice = vec![put("7", "kettle"), IndexChange::Remove("8".to_owned()), put("7", "samovar"), put("8", "urn")];
    index.apply(vec![(account(), twice)], 3, None).expect("applied");
    let words = |word: &str| find(&index, word).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!((words("samovar"), words("urn"), words("kettle")), (vec!["7".to_owned()], vec!["8".to_owned()], vec![]));
}

#[test]
fn what_is_forgotten_leaves_no_byte_after_a_scrub() {
    let (index, folder) = index();
    let other = ("a_channel".to_owned(), "another shop".to_owned());
    let many =
        |word: &str| (0..500).map(|number| put(&number.to_string(), &format!("{word} number{number}"))).collect();
    index.apply(vec![(account(), many("secretword")), (other.clone(), many("public"))], 1, None).expect("applied");
    index.forget_account(&account().0, &account().1).expect("forgotten");
    index.scrub().expect("scrubbed");
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("read");
        assert!(!bytes.windows(10).any(|window| window == b"secretword"));
    }
    let query = Query { q: "public".to_owned(), limit: 1000, ..Query::default() };
    assert_eq!(index.find(&[other], &query).expect("found").len(), 500);
}
