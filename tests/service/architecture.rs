//! Who may know whom: the tree of `src` reads from top to bottom as the architecture does, and the `use` lines keep to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[allow(dead_code, reason = "measures more than is promised here")]
#[path = "../../examples/house/figures.rs"]
mod figures;
#[allow(dead_code, reason = "measures more than is promised here")]
#[path = "../../examples/house/source.rs"]
mod source;

use figures::{CHANNELS, Figures};
use source::{Source, strongly_connected};

/// The rooms from top to bottom. A room knows those below its own line, and on its own line those of [`BESIDE`].
const ORDER: [&[&str]; 8] = [
    &["bin"],
    &["demo", "doctor", "backup", "fuzzing"],
    &["app"],
    &["commands", "web", "workers"],
    &["answering"],
    &CHANNELS,
    &["meta"],
    &["shared"],
];

/// Who names a channel (none knows another): what joins them, and what plays them. The others reach channels through `shared::channel`.
const NAMES_CHANNELS: [&str; 4] = ["app", "bin", "demo", "fuzzing"];

/// Arrows within a line.
const BESIDE: [(&str, &str); 1] = [("commands", "workers")];

fn source() -> Source {
    Source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap()
}

fn room(path: &str) -> &str {
    let first = path.split('/').next().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

fn line(room: &str) -> usize {
    let line = ORDER.iter().position(|rooms| rooms.contains(&room));
    line.unwrap_or_else(|| panic!("src/{room} has no place in the order of rooms"))
}

fn may_name(from: &str, to: &str) -> bool {
    let is_channel = |room| CHANNELS.contains(&room);
    from == to
        || BESIDE.contains(&(from, to))
        || (line(from) < line(to) && (!is_channel(to) || NAMES_CHANNELS.contains(&from)))
}

/// All arrows between files, as the paths of both.
fn arrows(source: &Source) -> Vec<(&str, &str)> {
    let path = |at: usize| source.files[at].path.as_str();
    let of = |at: usize| source.names(at).into_iter().map(move |to| (path(at), path(to)));
    // The crate's root only lists the rooms.
    let of_rooms = |arrow: &(&str, &str)| arrow.0 != "lib.rs" && arrow.1 != "lib.rs";
    (0..source.files.len()).flat_map(of).filter(of_rooms).collect()
}

#[test]
fn every_room_names_only_what_is_below_it() {
    let source = source();
    let arrows = arrows(&source);
    assert!(arrows.len() > 500, "only {} arrows were found", arrows.len());
    let wrong: Vec<String> = arrows
        .iter()
        .filter(|(from, to)| !may_name(room(from), room(to)))
        .map(|(from, to)| format!("src/{from} names src/{to}"))
        .collect();
    assert!(wrong.is_empty(), "against the order of rooms:\n{}", wrong.join("\n"));
}

#[test]
fn rooms_form_no_circle() {
    let source = source();
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in arrows(&source) {
        next.entry(room(to)).or_default();
        if room(from) != room(to) {
            next.entry(room(from)).or_default().insert(room(to));
        }
    }
    let names: Vec<&str> = next.keys().copied().collect();
    let place = |room: &str| names.iter().position(|name| *name == room).unwrap();
    let next: Vec<BTreeSet<usize>> =
        next.values().map(|rooms| rooms.iter().map(|room| place(room)).collect()).collect();
    let circles: Vec<Vec<&str>> = strongly_connected(&next)
        .into_iter()
        .filter(|group| group.len() > 1)
        .map(|group| group.into_iter().map(|at| names[at]).collect())
        .collect();
    assert_eq!(circles, [[""; 0]; 0]);
}

#[test]
fn a_simulator_knows_nothing_of_the_code_it_tests() {
    let source = source();
    let is_simulator = |path: &str| {
        path.contains("/sandbox/")
            || path.starts_with("demo/object_store/")
            || path.starts_with("shared/channel/simulator")
    };
    let wrong: Vec<(&str, &str)> =
        arrows(&source).into_iter().filter(|(from, to)| is_simulator(from) && !is_simulator(to)).collect();
    assert_eq!(wrong, []);
}

#[test]
fn connections_and_sql_stay_with_the_tables() {
    let rooms = ["shared/journal/", "shared/store/", "shared/database/"];
    let source = source();
    let outside = source.files.iter().filter(|file| !rooms.iter().any(|room| file.path.starts_with(room)));
    let wrong: Vec<&str> = outside
        .filter(|file| ["rusqlite", "prepare_cached", "query_row"].iter().any(|word| file.words().contains(word)))
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(wrong, [""; 0]);
}

/// The rows of the table of figures in `docs/architecture.md`, with what stands in their last column.
fn documented() -> BTreeMap<String, String> {
    let document = include_str!("../../docs/architecture.md");
    let table = document.split("| figure |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows = table.lines().skip(2).filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        Some(((*cells.first()?).to_owned(), (*cells.last()?).to_owned()))
    });
    rows.collect()
}

#[test]
fn the_shape_of_the_source_is_no_worse_than_the_document_says() {
    let source = source();
    let figures = Figures::of(&source);
    let documented = documented();
    let said = |row: &str| -> usize {
        let text = documented.get(row).unwrap_or_else(|| panic!("no row {row} in {documented:?}"));
        let digits = text.split(|c: char| !c.is_ascii_digit()).find(|word| !word.is_empty());
        digits.unwrap_or_else(|| panic!("{row} is {text}")).parse().unwrap()
    };
    let (_, named, in_files) = figures.most_named_channel();
    for (row, measured, list) in [
        ("circles of imports", figures.circles.len(), format!("{:?}", figures.circles)),
        ("files with SQL outside its rooms", figures.with_sql.len(), format!("{:?}", figures.with_sql)),
        ("functions over 80 lines", figures.long_functions.len(), format!("{:?}", figures.long_functions)),
        ("files over 500 lines", figures.long_files.len(), format!("{:?}", figures.long_files)),
        ("lines that name a channel outside its folder, at most", named, format!("{:?}", figures.named_outside)),
    ] {
        assert!(measured <= said(row), "{row}: {measured}, and the document says {}: {list}", said(row));
    }
    assert!(in_files <= 5, "{:?}", figures.named_outside);
    // Of what grows with every feature the document may be a little behind.
    for (row, measured) in [("code lines, without comments and tests", figures.total), ("files", figures.files.len())] {
        let said = said(row);
        assert!(measured.abs_diff(said) * 20 <= said, "{row}: {measured}, and the document says {said}");
    }
    let (folder, lines) = figures.largest_folder();
    assert_eq!(folder, "shared");
    assert!(lines * 100 <= figures.total * 31, "shared has {lines} lines of {}", figures.total);
}
