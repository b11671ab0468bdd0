//! `cargo run --example house`: measures the shape of the source and prints it as a markdown table, as it stands in
//! `docs/architecture.md`. With `-- --all` it also lists what it counted.

mod figures;
mod source;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use figures::{Figures, LONG_FILE, LONG_FUNCTION, share, without_second_user, words_elsewhere};
use source::Source;

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
    let figures = Figures::of(source);
    let lonely = without_second_user(source, elsewhere);
    let mut text = table(&figures, lonely.len());
    text += "\n| folder | files | code lines | share |\n|---|---|---|---|\n";
    for (folder, (files, lines)) in &figures.folders {
        text += &format!("| {folder} | {files} | {lines} | {} |\n", share(*lines, figures.total));
    }
    if lists_all {
        text += &lists(source, &figures, lonely);
    }
    text
}

fn table(figures: &Figures<'_>, lonely: usize) -> String {
    let files = &figures.files;
    let (largest, lines) = figures.largest_folder();
    let (channel, named, in_files) = figures.most_named_channel();
    let circles: Vec<String> = figures.circles.iter().map(|circle| circle.len().to_string()).collect();
    let mut text = String::from("| figure | value |\n|---|---|\n");
    let mut row = |name: &str, value: String| text += &format!("| {name} | {value} |\n");
    row("code lines, without comments and tests", figures.total.to_string());
    row("files", files.len().to_string());
    row("median file, lines", files.get(files.len() / 2).map_or(0, |(lines, _)| *lines).to_string());
    row("largest file, lines", files.first().map_or_else(String::new, |(lines, path)| format!("{lines} ({path})")));
    row("largest folder", format!("{largest}: {}", share(lines, figures.total)));
    row(
        "circles of imports",
        match circles.len() {
            0 => "0".to_owned(),
            count => format!("{count} (files: {})", circles.join(", ")),
        },
    );
    row("files with SQL outside its rooms", figures.with_sql.len().to_string());
    row(&format!("functions over {LONG_FUNCTION} lines"), figures.long_functions.len().to_string());
    row(&format!("files over {LONG_FILE} lines"), figures.long_files.len().to_string());
    row("public items that no other file names", lonely.to_string());
    row("lines that name a channel outside its folder, at most", format!("{named} in {in_files} files ({channel})"));
    text
}

fn lists(source: &Source, figures: &Figures<'_>, lonely: Vec<String>) -> String {
    let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    let named = figures
        .named_outside
        .iter()
        .flat_map(|(channel, files)| files.iter().map(move |(path, lines)| format!("{channel}: {path} ({lines})")));
    let mut text = String::new();
    for (title, list) in [
        ("Circles", figures.circles.iter().flat_map(|circle| within(source, circle)).collect()),
        ("SQL outside its rooms", owned(&figures.with_sql)),
        ("Long functions", figures.long_functions.clone()),
        ("Long files", figures.long_files.clone()),
        ("Public items that no other file names", lonely),
        ("Lines that name a channel outside its folder", named.collect()),
        ("Files", figures.files.iter().map(|(lines, path)| format!("{path} {lines}")).collect()),
    ] {
        text += &format!("\n{title}:\n");
        for one in list {
            text += &format!("- {one}\n");
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
