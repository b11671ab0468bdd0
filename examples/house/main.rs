//! `cargo run --example house`: measures the shape of the source and prints it as a markdown table, as it stands in
//! `docs/architecture.md`. With `-- --all` it also lists what it counted.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use source::{File, Source};

/// A longer function has more than one thought.
const LONG_FUNCTION: usize = 80;

/// A longer file has more than one subject.
const LONG_FILE: usize = 500;

/// The rooms that may speak SQL.
const SQL_ROOMS: [&str; 3] = ["shared/journal/", "shared/store/", "shared/database/"];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = match Source::read(&root.join("src")) {
        Ok(source) => source,
        Err(error) => {
            eprintln!("house: the source cannot be read: {error}");
            return ExitCode::from(2);
        }
    };
    let lists_all = std::env::args().any(|argument| argument == "--all");
    print!("{}", report(&source, &words_elsewhere(root), lists_all));
    ExitCode::SUCCESS
}

fn report(source: &Source, elsewhere: &BTreeSet<String>, lists_all: bool) -> String {
    let total: usize = source.files.iter().map(File::lines).sum();
    let mut sizes: Vec<(usize, &str)> = source.files.iter().map(|file| (file.lines(), file.path.as_str())).collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    let folders = folders(source);
    let (largest, lines) =
        folders.iter().max_by_key(|(_, (_, lines))| *lines).map_or(("", 0), |(name, (_, lines))| (*name, *lines));
    let circles = source.circles();
    let with_sql: Vec<&str> =
        source.files.iter().filter(|file| speaks_sql(file)).map(|file| file.path.as_str()).collect();
    let long_functions: Vec<String> = source
        .files
        .iter()
        .flat_map(|file| file.functions().into_iter().map(move |function| (file, function)))
        .filter(|(_, function)| function.lines > LONG_FUNCTION)
        .map(|(file, function)| format!("{} {} ({})", file.path, function.name, function.lines))
        .collect();
    let long_files: Vec<String> =
        sizes.iter().filter(|(lines, _)| *lines > LONG_FILE).map(|(lines, path)| format!("{path} ({lines})")).collect();
    let lonely = without_second_user(source, elsewhere);
    let circle_sizes: Vec<String> = circles.iter().map(|circle| circle.len().to_string()).collect();

    let mut text = String::from("| figure | value |\n|---|---|\n");
    let mut row = |name: &str, value: String| text += &format!("| {name} | {value} |\n");
    row("code lines, without comments and tests", total.to_string());
    row("files", source.files.len().to_string());
    row("median file, lines", sizes.get(sizes.len() / 2).map_or(0, |(lines, _)| *lines).to_string());
    row("largest file, lines", sizes.first().map_or_else(String::new, |(lines, path)| format!("{lines} ({path})")));
    row("largest folder", format!("{largest}: {}", share(lines, total)));
    row(
        "circles of imports",
        match circles.len() {
            0 => "0".to_owned(),
            count => format!("{count} (files: {})", circle_sizes.join(", ")),
        },
    );
    row("files with SQL outside its rooms", with_sql.len().to_string());
    row(&format!("functions over {LONG_FUNCTION} lines"), long_functions.len().to_string());
    row(&format!("files over {LONG_FILE} lines"), long_files.len().to_string());
    row("public items that no other file names", lonely.len().to_string());
    text += "\n| folder | files | code lines | share |\n|---|---|---|---|\n";
    for (folder, (files, lines)) in &folders {
        text += &format!("| {folder} | {files} | {lines} | {} |\n", share(*lines, total));
    }
    if lists_all {
        let circles = circles.iter().flat_map(|circle| within(source, circle)).collect();
        let files = sizes.iter().map(|(lines, path)| format!("{path} {lines}")).collect();
        let with_sql = with_sql.into_iter().map(str::to_owned).collect();
        for (title, list) in [
            ("Circles", circles),
            ("SQL outside its rooms", with_sql),
            ("Long functions", long_functions),
            ("Long files", long_files),
            ("Public items that no other file names", lonely),
            ("Files", files),
        ] {
            let list: Vec<String> = list;
            text += &format!("\n{title}:\n");
            for one in list {
                text += &format!("- {one}\n");
            }
        }
    }
    text
}

/// A line for each file of a circle: which others of it the file names.
fn within(source: &Source, circle: &[&str]) -> Vec<String> {
    let path = |at: usize| source.files[at].path.as_str();
    let size = circle.len();
    (0..source.files.len())
        .filter(|at| circle.contains(&path(*at)))
        .map(|at| {
            let named: Vec<&str> =
                source.names(at).into_iter().map(path).filter(|named| circle.contains(named)).collect();
            format!("{} -> {} (a circle of {size})", path(at), named.join(" · "))
        })
        .collect()
}

fn share(part: usize, total: usize) -> String {
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
fn without_second_user(source: &Source, elsewhere: &BTreeSet<String>) -> Vec<String> {
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
fn words_elsewhere(root: &Path) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for folder in ["tests", "benches", "fuzz/fuzz_targets"] {
        // A folder that is not there has no words.
        if let Ok(source) = Source::read(&root.join(folder)) {
            words.extend(source.files.iter().flat_map(|file| file.words()).map(str::to_owned));
        }
    }
    words
}
