//! The figures of the house: what the source is measured by. For `cargo run --example house` and for the test of the architecture.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::source::{File, Source, words_of};

/// A longer function has more than one thought.
pub const LONG_FUNCTION: usize = 80;

/// A longer file has more than one subject.
pub const LONG_FILE: usize = 500;

/// The rooms that may speak SQL.
const SQL_ROOMS: [&str; 3] = ["shared/journal/", "shared/store/", "shared/database/"];

/// The folders of the channels.
pub const CHANNELS: [&str; 5] = ["facebook", "linkedin", "shopify", "viber", "whatsapp"];

/// What plays channels or throws bytes at them is no part of the service: it names them as it likes.
const PLAYS_CHANNELS: [&str; 2] = ["demo/", "fuzzing.rs"];

/// What was measured. Lists name what they count.
pub struct Figures<'a> {
    /// Code lines of all files.
    pub total: usize,
    /// Lines and path of each file, the longest first.
    pub files: Vec<(usize, &'a str)>,
    /// The files and lines of each folder.
    pub folders: BTreeMap<&'a str, (usize, usize)>,
    /// The files of each circle of imports.
    pub circles: Vec<Vec<&'a str>>,
    /// Files that speak SQL outside its rooms.
    pub with_sql: Vec<&'a str>,
    /// Functions over [`LONG_FUNCTION`] lines.
    pub long_functions: Vec<String>,
    /// Files over [`LONG_FILE`] lines.
    pub long_files: Vec<String>,
    /// For each channel, the lines outside its folder that name it, by their file.
    pub named_outside: BTreeMap<&'static str, BTreeMap<&'a str, usize>>,
}

impl<'a> Figures<'a> {
    /// Measures all of it.
    pub fn of(source: &'a Source) -> Self {
        let mut files: Vec<(usize, &str)> =
            source.files.iter().map(|file| (file.lines(), file.path.as_str())).collect();
        files.sort_unstable_by(|one, other| other.cmp(one));
        let long_functions = source
            .files
            .iter()
            .flat_map(|file| file.functions().into_iter().map(move |function| (file, function)))
            .filter(|(_, function)| function.lines > LONG_FUNCTION)
            .map(|(file, function)| format!("{} {} ({})", file.path, function.name, function.lines))
            .collect();
        let long_files = files
            .iter()
            .filter(|(lines, _)| *lines > LONG_FILE)
            .map(|(lines, path)| format!("{path} ({lines})"))
            .collect();
        Self {
            total: files.iter().map(|(lines, _)| lines).sum(),
            folders: folders(source),
            circles: source.circles(),
            with_sql: source.files.iter().filter(|file| speaks_sql(file)).map(|file| file.path.as_str()).collect(),
            long_functions,
            long_files,
            named_outside: CHANNELS.into_iter().map(|channel| (channel, named_outside(source, channel))).collect(),
            files,
        }
    }

    /// The folder with the most lines.
    pub fn largest_folder(&self) -> (&'a str, usize) {
        self.folders.iter().map(|(name, (_, lines))| (*name, *lines)).max_by_key(|(_, lines)| *lines).unwrap_or(("", 0))
    }

    /// The channel that is named by the most lines outside its folder: how many, and in how many files.
    pub fn most_named_channel(&self) -> (&'static str, usize, usize) {
        let each = self.named_outside.iter().map(|(name, files)| (*name, files.values().sum::<usize>(), files.len()));
        each.max_by_key(|(_, lines, _)| *lines).unwrap_or(("", 0, 0))
    }
}

/// The lines of code that name a channel, in the files outside its folder. A line of a list that all channels share counts for
/// each of them.
fn named_outside<'a>(source: &'a Source, channel: &str) -> BTreeMap<&'a str, usize> {
    let folder = format!("{channel}/");
    let is_outside = |path: &str| !path.starts_with(&folder) && !PLAYS_CHANNELS.iter().any(|own| path.starts_with(own));
    let count = |file: &File| file.code.lines().filter(|line| words_of(line).contains(channel)).count();
    let outside = source.files.iter().filter(|file| is_outside(&file.path));
    outside.map(|file| (file.path.as_str(), count(file))).filter(|(_, lines)| *lines > 0).collect()
}

/// A part in per cent of the whole.
pub fn share(part: usize, total: usize) -> String {
    format!("{:.1} %", 100.0 * part as f64 / total.max(1) as f64)
}

/// The folders below `src`, and those below `shared` for themselves, each with its files and lines; files beside the
/// folders count as one.
fn folders(source: &Source) -> BTreeMap<&str, (usize, usize)> {
    let mut folders: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for file in &source.files {
        let depth = if file.path.starts_with("shared/") { 2 } else { 1 };
        let ends: Vec<usize> = file.path.match_indices('/').map(|(at, _)| at).take(depth).collect();
        let mut names: Vec<&str> = ends.iter().map(|end| &file.path[..*end]).collect();
        if names.is_empty() {
            names.push("(files of the root)");
        }
        for name in names {
            let folder = folders.entry(name).or_default();
            folder.0 += 1;
            folder.1 += file.lines();
        }
    }
    folders
}

/// Whether a file outside the rooms of SQL knows the database.
fn speaks_sql(file: &File) -> bool {
    const VERBS: [&str; 6] = ["SELECT ", "INSERT INTO ", "INSERT OR ", "DELETE FROM ", "UPDATE ", "PRAGMA "];
    let is_room = SQL_ROOMS.iter().any(|room| file.path.starts_with(room));
    let in_text = |verb: &str| file.code_with_texts.contains(&format!("\"{verb}"));
    !is_room && (file.words().contains("rusqlite") || VERBS.iter().any(|verb| in_text(verb)))
}

/// Public items whose name stands in no other file of the crate, its tests, benches or examples.
pub fn without_second_user(source: &Source, elsewhere: &BTreeSet<String>) -> Vec<String> {
    let words: Vec<BTreeSet<&str>> = source.files.iter().map(File::words).collect();
    let mut lonely = Vec::new();
    for (at, file) in source.files.iter().enumerate() {
        for item in file.public_items() {
            let is_named = |(other, words): (usize, &BTreeSet<&str>)| other != at && words.contains(item.as_str());
            if !elsewhere.contains(&item) && !words.iter().enumerate().any(is_named) {
                lonely.push(format!("{} {item}", file.path));
            }
        }
    }
    lonely
}

/// The words of tests, benches and fuzz targets.
pub fn words_elsewhere(root: &Path) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for folder in ["tests", "benches", "fuzz/fuzz_targets"] {
        // A folder that is not there has no words.
        if let Ok(source) = Source::read(&root.join(folder)) {
            words.extend(source.files.iter().flat_map(|file| file.words()).map(str::to_owned));
        }
    }
    words
}
