//! Reads Rust source as far as the shape of a crate needs it: code without comments and test modules, `use` lines and
//! paths, functions. For `cargo run --example house` and for the test of the architecture.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One file below `src`, without its comments and its tests.
pub struct File {
    /// Its path below `src`: `shared/journal/mod.rs`.
    pub path: String,
    /// The module it is: `["shared", "journal"]`; the crate's root is empty.
    pub module: Vec<String>,
    /// Its code; comments and the insides of texts are spaces.
    pub code: String,
    /// Its code with the texts.
    pub code_with_texts: String,
}

/// A crate's source.
pub struct Source {
    /// All files that are no tests, by their path.
    pub files: Vec<File>,
    by_module: BTreeMap<Vec<String>, usize>,
    /// What a module hands on: (its file, the name) → the whole path.
    handed_on: BTreeMap<(usize, String), Vec<String>>,
}

/// A path that a file names, as segments from the crate's root.
type Segments = Vec<String>;

/// A function and how many lines of code it has, signature and braces included.
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its lines of code.
    pub lines: usize,
}

impl File {
    /// Its lines of code.
    pub fn lines(&self) -> usize {
        lines_of(&self.code_with_texts)
    }

    /// The functions in it, closures and nested functions as a part of the function around them.
    pub fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for (at, name) in words_after(&self.code, "fn") {
            let rest = &self.code[at..];
            let Some(open) = rest.find(['{', ';']).filter(|open| rest.as_bytes()[*open] == b'{') else { continue };
            let end = at + open + matching(&rest[open..]);
            let begin = self.code[..at].rfind('\n').map_or(0, |newline| newline + 1);
            functions.push(Function { name, lines: lines_of(&self.code_with_texts[begin..end]) });
        }
        functions
    }

    /// The items that are public for other modules: functions, types, constants, traits.
    pub fn public_items(&self) -> Vec<String> {
        const KINDS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];
        let mut items = Vec::new();
        for (at, _) in self.code.match_indices("pub") {
            if !is_word_at(&self.code, at, "pub") {
                continue;
            }
            let mut rest = self.code[at + 3..].trim_start();
            if let Some(scope) = rest.strip_prefix('(') {
                // What only the parent sees is not public.
                let Some((scope, after)) = scope.split_once(')').filter(|(scope, _)| *scope == "crate") else {
                    continue;
                };
                debug_assert_eq!(scope, "crate");
                rest = after.trim_start();
            }
            let mut words = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
            let mut word = words.next();
            while word.is_some_and(|word| ["async", "unsafe"].contains(&word)) {
                word = words.next();
            }
            let (Some(kind), Some(mut name)) = (word, words.next()) else { continue };
            if !KINDS.contains(&kind) || !rest.starts_with(|c: char| c.is_alphabetic()) {
                continue;
            }
            if kind == "const" && name == "fn" {
                let Some(function) = words.next() else { continue };
                name = function;
            }
            items.push(name.to_owned());
        }
        items
    }

    /// All words in it.
    pub fn words(&self) -> BTreeSet<&str> {
        words_of(&self.code)
    }
}

/// All words of a text.
pub fn words_of(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect()
}

impl Source {
    /// Reads the crate in this folder.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(src: &Path) -> std::io::Result<Self> {
        let mut paths = Vec::new();
        collect(src, &mut paths)?;
        paths.sort();
        let (mut files, mut tests) = (Vec::new(), Vec::new());
        for path in paths {
            let text = std::fs::read_to_string(&path)?;
            let relative = path.strip_prefix(src).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            let (mut code, mut code_with_texts) = without_comments(&text);
            let module = module_of(&relative);
            for name in cut_tests(&mut code, &mut code_with_texts) {
                tests.push([module.clone(), vec![name]].concat());
            }
            files.push(File { path: relative, module, code, code_with_texts });
        }
        files.retain(|file| !tests.iter().any(|test| file.module.starts_with(test)));
        let by_module = files.iter().enumerate().map(|(at, file)| (file.module.clone(), at)).collect();
        let mut source = Self { files, by_module, handed_on: BTreeMap::new() };
        for at in 0..source.files.len() {
            for (is_public, path) in uses(&source.files[at].code) {
                let absolute = source.absolute(&source.files[at].module, &path, true);
                if let (true, Some(absolute), Some(name)) = (is_public, absolute, path.last()) {
                    source.handed_on.insert((at, name.clone()), absolute);
                }
            }
        }
        Ok(source)
    }

    /// The files that a file's `use` lines and paths name, other than itself. What is only handed on is not counted.
    pub fn names(&self, at: usize) -> BTreeSet<usize> {
        let file = &self.files[at];
        let imports = uses(&file.code).into_iter().filter(|(is_public, _)| !is_public).map(|(_, path)| (path, true));
        let paths = paths(&file.code).into_iter().map(|path| (path, false));
        imports
            .chain(paths)
            .filter_map(|(path, is_use)| self.absolute(&file.module, &path, is_use))
            .filter_map(|path| self.find(&path))
            .filter(|named| *named != at)
            .collect()
    }

    /// Groups of files that import each other in a circle, the largest first.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let names: Vec<BTreeSet<usize>> = (0..self.files.len()).map(|at| self.names(at)).collect();
        let mut circles: Vec<Vec<&str>> = strongly_connected(&names)
            .into_iter()
            .filter(|group| group.len() > 1)
            .map(|group| group.into_iter().map(|at| self.files[at].path.as_str()).collect())
            .collect();
        circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        circles
    }

    /// A path as segments from the crate's root; `None`: it leads into another crate.
    fn absolute(&self, module: &[String], path: &[String], is_use: bool) -> Option<Segments> {
        let mut base: Segments = module.to_vec();
        let mut rest = path;
        match path.first().map(String::as_str)? {
            // The binary names the library by its name.
            "crate" | "shoptalk" => {
                base.clear();
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            // A child of this module, or another crate.
            first => {
                let child = [module, &[first.to_owned()]].concat();
                if !is_use || !self.by_module.contains_key(&child) {
                    return None;
                }
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// The file where the path leads, past modules that only hand a name on.
    fn find(&self, path: &[String]) -> Option<usize> {
        let mut path = path.to_vec();
        for _ in 0..10 {
            let deepest = (0..=path.len()).rev().find(|length| self.by_module.contains_key(&path[..*length]))?;
            let at = self.by_module[&path[..deepest]];
            match path.get(deepest).and_then(|name| self.handed_on.get(&(at, name.clone()))) {
                Some(target) => path = [target.as_slice(), &path[deepest + 1..]].concat(),
                None => return Some(at),
            }
        }
        None
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|end| end == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

fn lines_of(code: &str) -> usize {
    code.lines().filter(|line| !line.trim().is_empty()).count()
}

/// The code with spaces in place of comments and of the insides of texts, and the same with the texts. Both have the
/// source's length and lines.
fn without_comments(source: &str) -> (String, String) {
    let bytes = source.as_bytes();
    let (mut code, mut with_texts) = (bytes.to_vec(), bytes.to_vec());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (length, is_comment) = match rest {
            [b'/', b'/', ..] => (rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()), true),
            [b'/', b'*', ..] => (block_comment(rest), true),
            [b'"', ..] => (text(rest), false),
            [b'r', b'"' | b'#', ..] if !is_name(bytes, at) => (raw_text(rest).unwrap_or(1), false),
            [b'\'', ..] => (character(rest), false),
            _ => (1, false),
        };
        if length > 1 {
            blank(&mut code[at..at + length], !is_comment);
            if is_comment {
                blank(&mut with_texts[at..at + length], false);
            }
        }
        at += length.max(1);
    }
    let text = |bytes| String::from_utf8(bytes).unwrap_or_default();
    (text(code), text(with_texts))
}

/// Whether the byte at this place goes on with a name.
fn is_name(bytes: &[u8], at: usize) -> bool {
    // `br"…"` is a text, too.
    let before = |back: usize| at.checked_sub(back).map_or(b' ', |place| bytes[place]);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    is_letter(before(1)) && (before(1) != b'b' || is_letter(before(2)))
}

fn blank(bytes: &mut [u8], keep_ends: bool) {
    let last = bytes.len() - 1;
    for (at, byte) in bytes.iter_mut().enumerate() {
        if *byte != b'\n' && !(keep_ends && (at == 0 || at == last)) {
            *byte = b' ';
        }
    }
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn text(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn raw_text(bytes: &[u8]) -> Option<usize> {
    let hashes = bytes[1..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let begin = 2 + hashes;
    let inside = bytes[begin..].windows(end.len()).position(|window| window == end)?;
    Some(begin + inside + end.len())
}

/// The length of a character literal; 1: it is a lifetime.
fn character(bytes: &[u8]) -> usize {
    if bytes.get(1) == Some(&b'\\') {
        return bytes[2..].iter().skip(1).position(|byte| *byte == b'\'').map_or(1, |end| end + 4);
    }
    let text = String::from_utf8_lossy(&bytes[1..bytes.len().min(6)]).into_owned();
    match text.chars().next() {
        Some(one) if bytes.get(1 + one.len_utf8()) == Some(&b'\'') => 2 + one.len_utf8(),
        _ => 1,
    }
}

/// Cuts what is built for tests only. Gives the names of modules whose files are tests.
fn cut_tests(code: &mut String, with_texts: &mut String) -> Vec<String> {
    const MARK: &str = "#[cfg(test)]";
    let mut modules = Vec::new();
    while let Some(begin) = code.find(MARK) {
        let mut at = begin + MARK.len();
        // Further attributes.
        while code[at..].trim_start().starts_with("#[") {
            at += code[at..].find(']').unwrap_or(0) + 1;
        }
        let rest = &code[at..];
        let end = rest.find(['{', ';']).map_or(rest.len(), |open| match rest.as_bytes()[open] {
            b'{' => open + matching(&rest[open..]),
            _ => {
                let name = rest[..open].trim().rsplit(' ').next().unwrap_or_default();
                if words_of(&rest[..open]).contains("mod") {
                    modules.push(name.to_owned());
                }
                open + 1
            }
        });
        for text in [&mut *code, with_texts] {
            let blanks: String =
                text[begin..at + end].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
            text.replace_range(begin..at + end, &blanks);
        }
    }
    modules
}

/// Where the block ends that begins here.
fn matching(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

fn is_word_at(code: &str, at: usize, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    !is_letter(code[..at].chars().next_back()) && !is_letter(code[at + word.len()..].chars().next())
}

/// Where this word stands, with the word behind it.
fn words_after(code: &str, word: &str) -> Vec<(usize, String)> {
    let found = code.match_indices(word).filter(|(at, _)| is_word_at(code, *at, word));
    found
        .filter_map(|(at, _)| {
            let rest = code[at + word.len()..].trim_start();
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            (!name.is_empty()).then_some((at, name))
        })
        .collect()
}

/// The `use` lines as single paths, each with whether it hands the name on. A name that is changed by `as` keeps its new
/// one for what is handed on, which nobody does here.
fn uses(code: &str) -> Vec<(bool, Segments)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ").filter(|(at, _)| is_word_at(code, *at, "use")) {
        let before = code[..at].rsplit(['\n', ';', '}']).next().unwrap_or_default().trim();
        let is_public = before.starts_with("pub");
        let Some((tree, _)) = code[at + 4..].split_once(';') else { continue };
        if before.is_empty() || is_public {
            expand(tree, &[], &mut |path| found.push((is_public, path)));
        }
    }
    found
}

/// Takes `a::{b, c::{self, d}}` apart.
fn expand(tree: &str, before: &[String], found: &mut impl FnMut(Segments)) {
    let tree = tree.trim();
    let Some((head, inside)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let segments = path
            .split("::")
            .map(str::trim)
            .filter(|segment| !segment.is_empty() && *segment != "self" || before.is_empty());
        let path: Segments = before.iter().cloned().chain(segments.map(str::to_owned)).collect();
        if !path.is_empty() {
            found(path);
        }
        return;
    };
    let head: Segments = before
        .iter()
        .cloned()
        .chain(head.split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned))
        .collect();
    let inside = inside.trim_end().strip_suffix('}').unwrap_or(inside);
    let (mut depth, mut begin) = (0, 0);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                expand(&inside[begin..at], &head, found);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if !inside[begin..].trim().is_empty() {
        expand(&inside[begin..], &head, found);
    }
}

/// The paths outside of `use` lines that begin at the crate's root, at the parent or at the module itself.
fn paths(code: &str) -> Vec<Segments> {
    let mut found = Vec::new();
    for root in ["crate", "super", "self", "shoptalk"] {
        for (at, _) in code.match_indices(root).filter(|(at, _)| is_word_at(code, *at, root)) {
            let path: String =
                code[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
            let line = code[..at].rsplit(['\n', ';']).next().unwrap_or_default();
            if path.contains("::") && !words_of(line).contains("use") {
                found.push(path.split("::").filter(|s| !s.is_empty()).map(str::to_owned).collect());
            }
        }
    }
    found
}

/// The groups of places that lead to each other (Tarjan).
pub fn strongly_connected(next: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    struct Search<'a> {
        next: &'a [BTreeSet<usize>],
        order: Vec<Option<usize>>,
        lowest: Vec<usize>,
        open: Vec<usize>,
        count: usize,
        groups: Vec<Vec<usize>>,
    }
    impl Search<'_> {
        fn visit(&mut self, at: usize) {
            self.order[at] = Some(self.count);
            self.lowest[at] = self.count;
            self.count += 1;
            self.open.push(at);
            for &to in &self.next[at] {
                match self.order[to] {
                    None => {
                        self.visit(to);
                        self.lowest[at] = self.lowest[at].min(self.lowest[to]);
                    }
                    Some(order) if self.open.contains(&to) => self.lowest[at] = self.lowest[at].min(order),
                    Some(_) => {}
                }
            }
            if Some(self.lowest[at]) == self.order[at] {
                let begin = self.open.iter().position(|one| *one == at).unwrap_or(0);
                let mut group = self.open.split_off(begin);
                group.sort_unstable();
                self.groups.push(group);
            }
        }
    }
    let count = next.len();
    let mut search = Search {
        next,
        order: vec![None; count],
        lowest: vec![0; count],
        open: Vec::new(),
        count: 0,
        groups: Vec::new(),
    };
    for at in 0..count {
        if search.order[at].is_none() {
            search.visit(at);
        }
    }
    search.groups
}
