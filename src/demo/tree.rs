//! Shows the files of the demo.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// How much of a line is shown.
const LINE_CHARACTERS: usize = 140;

/// The files below a folder as an indented tree, with sizes; without the service's own data.
pub fn tree(folder: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    add(&mut text, folder, 1)?;
    Ok(text)
}

fn add(text: &mut String, folder: &Path, depth: usize) -> anyhow::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        // A mark of the service's own, by which it recognises its folder.
        if depth == 1 && name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let indent = "  ".repeat(depth);
        if entry.file_type()?.is_dir() {
            if depth == 1 && name == "data" {
                continue;
            }
            writeln!(text, "{indent}{}/", name.display())?;
            add(text, &entry.path(), depth + 1)?;
        } else {
            writeln!(text, "{indent}{} ({} bytes)", name.display(), entry.metadata()?.len())?;
        }
    }
    Ok(())
}

/// The first lines of a file, each cut to what fits.
pub fn first_lines(file: &Path, lines: usize) -> anyhow::Result<String> {
    let content = fs::read_to_string(file)?;
    let mut text = String::new();
    for line in content.lines().take(lines) {
        let cut: String = line.chars().take(LINE_CHARACTERS).collect();
        let more = if cut.len() < line.len() { " …" } else { "" };
        writeln!(text, "  {cut}{more}")?;
    }
    if content.lines().count() > lines {
        writeln!(text, "  …")?;
    }
    Ok(text)
}
