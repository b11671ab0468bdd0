//! What a file is by its first bytes, whatever its sender calls it.

/// So many bytes are enough to tell.
pub const SNIFFED: usize = 64;

/// What a file is by its first bytes: content type and extension. HTML and SVG, which can hold scripts, are plain bytes.
#[must_use]
pub fn sniff(head: &[u8]) -> (&'static str, &'static str) {
    let at = |position: usize, bytes: &[u8]| head.get(position..).is_some_and(|rest| rest.starts_with(bytes));
    match () {
        () if at(0, b"\xff\xd8\xff") => ("image/jpeg", "jpg"),
        () if at(0, b"\x89PNG\r\n\x1a\n") => ("image/png", "png"),
        () if at(0, b"GIF87a") || at(0, b"GIF89a") => ("image/gif", "gif"),
        () if at(0, b"RIFF") && at(8, b"WEBP") => ("image/webp", "webp"),
        () if at(0, b"RIFF") && at(8, b"WAVE") => ("audio/wav", "wav"),
        () if at(4, b"ftyp") && (at(8, b"heic") || at(8, b"heix") || at(8, b"mif1")) => ("image/heic", "heic"),
        () if at(4, b"ftypavif") => ("image/avif", "avif"),
        () if at(4, b"ftypM4A") => ("audio/mp4", "m4a"),
        () if at(4, b"ftypqt") => ("video/quicktime", "mov"),
        () if at(4, b"ftyp") => ("video/mp4", "mp4"),
        () if at(0, b"\x1a\x45\xdf\xa3") => ("video/webm", "webm"),
        () if at(0, b"OggS") => ("audio/ogg", "ogg"),
        () if at(0, b"#!AMR") => ("audio/amr", "amr"),
        () if at(0, b"ID3") || is_layer_three(head) => ("audio/mpeg", "mp3"),
        () if at(0, b"\xff\xf1") || at(0, b"\xff\xf9") => ("audio/aac", "aac"),
        () if at(0, b"%PDF-") => ("application/pdf", "pdf"),
        () if at(0, b"PK\x03\x04") => ("application/zip", "zip"),
        () => ("application/octet-stream", "bin"),
    }
}

/// Whether a frame of MP3 begins here: eleven bits that are set, a version that exists, and layer III.
fn is_layer_three(head: &[u8]) -> bool {
    matches!(head, [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x18 != 0x08 && second & 0x06 == 0x02)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0rest").1, "jpg");
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 ").1, "webp");
        assert_eq!(sniff(b"\0\0\0\x20ftypisom").0, "video/mp4");
        for mp3 in [&b"ID3\x04"[..], b"\xff\xfb\x90", b"\xff\xf3\x90", b"\xff\xfa\x90", b"\xff\xe3\x90"] {
            assert_eq!(sniff(mp3).1, "mp3");
        }
        assert_eq!(sniff(b"\xff\xf1\x50").1, "aac");
        for plain in [&b"<html><script>"[..], b"<svg xmlns=", b"", b"\xff", b"\xff\xff", b"\xff\xeb"] {
            assert_eq!(sniff(plain), ("application/octet-stream", "bin"));
        }
    }
}
