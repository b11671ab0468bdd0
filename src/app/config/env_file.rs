//! Reads `.env`, whatever editor wrote it: with a mark of its encoding at the beginning, as UTF-16, with line ends of Windows,
//! with blanks where they do not matter.

use std::io::ErrorKind;
use std::path::Path;

/// Names and values in the order of the file; none where there is no file.
///
/// # Errors
/// What is wrong with it, in words that quote nothing of it: a line may hold a secret.
pub fn read(path: &Path) -> Result<Vec<(String, String)>, String> {
    match std::fs::read(path) {
        Ok(bytes) => parse(&bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(_) => Err("cannot be read".to_owned()),
    }
}

fn parse(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text = decode(bytes).ok_or("cannot be read: it is neither UTF-8 nor UTF-16")?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    // Of what Unicode calls a blank, the parser knows only some.
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_matches(is_blank)).collect();
    dotenvy::from_read_iter(lines.join("\n").as_bytes())
        .enumerate()
        // Its own message quotes the line.
        .map(|(index, entry)| entry.map_err(|_| format!("setting number {} is not NAME=value", index + 1)))
        .collect()
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{feff}' | '\u{200b}' | '\0')
}

fn decode(bytes: &[u8]) -> Option<String> {
    let pairs = |bytes: &[u8], join: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks(2).map(|pair| join([pair[0], pair.get(1).copied().unwrap_or(0)])).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => pairs(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => pairs(rest, u16::from_be_bytes),
        // Written as UTF-16 without a mark: every name begins with a Latin letter.
        [1..=127, 0, ..] => pairs(bytes, u16::from_le_bytes),
        [0, 1..=127, ..] => pairs(bytes, u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "# settings\nPORT=5001\nFACEBOOK_APP_ID=1 # mine\n\nSHOPIFY_POLL_CRON='1 2 * * *'\nNAME=Jörg\n";

    #[test]
    fn a_file_is_read_whatever_editor_wrote_it() {
        let expected = parse(PLAIN.as_bytes()).expect("it is plain");
        assert_eq!(expected.len(), 4);
        assert_eq!(expected[2].1, "1 2 * * *");
        let windows = PLAIN.replace('\n', "\r\n");
        let blanks = PLAIN.replace('=', " = ").replace('\n', " \t\u{a0}\n\u{3000} ");
        let wide = |text: &str, mark: bool, join: fn(u16) -> [u8; 2]| -> Vec<u8> {
            mark.then_some(0xfeff).into_iter().chain(text.encode_utf16()).flat_map(join).collect()
        };
        for bytes in [
            windows.clone().into_bytes(),
            PLAIN.replace('\n', "\r").into_bytes(),
            format!("\u{feff}{windows}").into_bytes(),
            blanks.into_bytes(),
            PLAIN.trim_end().as_bytes().to_vec(),
            wide(&windows, true, u16::to_le_bytes),
            wide(&windows, true, u16::to_be_bytes),
            wide(&windows, false, u16::to_le_bytes),
            wide(&windows, false, u16::to_be_bytes),
        ] {
            assert_eq!(parse(&bytes), Ok(expected.clone()), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_quoting_it() {
        for bad in [&b"PORT=1\nhush this is none\n"[..], b"A=\xff\xfe hush", b"\xff\xfe\x00\xd8", b"A='hush\n"] {
            let problem = parse(bad).expect_err("a problem");
            assert!(!problem.contains("hush"), "{problem}");
        }
    }
}
