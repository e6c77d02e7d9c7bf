//! What inputs as a whole are read as.

use std::io::{self, Cursor, Read};

use proptest::prelude::*;

use super::{CsvStyle, Input, InputError, InputFormat, InputOptions, Source};
use crate::invitation::{Carried, Row, RowError};

const ID: &str = "7329176687475109888";
const OTHER: &str = "7329176687475113984";

fn open(bytes: &[u8], extension: Option<&str>, options: &InputOptions) -> Result<Input, InputError> {
    Input::from_reader(Cursor::new(bytes.to_vec()), "in", extension, options)
}

fn open_csv(text: &str) -> Result<Input, InputError> {
    open(text.as_bytes(), Some("csv"), &InputOptions::default())
}

fn message(opened: Result<Input, InputError>) -> String {
    opened.err().map(|error| error.to_string()).unwrap_or_default()
}

fn columns(input: &Input) -> Vec<String> {
    input.columns().iter().map(ToString::to_string).collect()
}

/// The ID, or the address of the profile.
fn text_of(row: &Row) -> String {
    row.id.as_ref().map_or_else(|| row.profile_url.as_deref().unwrap().to_owned(), ToString::to_string)
}

/// A row in short: `7329 @berlin DE {a|b}`, or `! what is wrong (its text) {a|b}`.
fn rows(input: Input) -> Vec<String> {
    let mut rows = Vec::new();
    for (index, row) in input.enumerate() {
        let row = row.unwrap();
        let number = row.as_ref().map_or_else(|error| error.number, |row| row.number);
        assert_eq!(number, index as u64 + 1, "row numbers are consecutive");
        let (head, account, country, carried) = match &row {
            Ok(row) => (text_of(row), &row.account, row.country.as_ref(), &row.carried),
            Err(error) => (format!("! {} ({})", error.reason, error.id_text), &error.account, None, &error.carried),
        };
        let account = account.as_ref().map(|account| format!(" @{account}")).unwrap_or_default();
        let country = country.map(|country| format!(" {}", country.as_str())).unwrap_or_default();
        let carried = match carried {
            Carried::Cells(cells) => cells.iter().collect::<Vec<_>>().join("|"),
            Carried::Fields(fields) => serde_json::to_string(fields).unwrap(),
        };
        rows.push(format!("{head}{account}{country} {carried}").trim_end().to_string());
    }
    rows
}

#[track_caller]
fn assert_rows(input: Input, expected: &[&str]) {
    let rows = rows(input);
    assert_eq!(rows.len(), expected.len(), "{rows:#?}");
    for (row, expected) in rows.iter().zip(expected) {
        // An expectation of an invalid row is the words that must be in it.
        let fits = match expected.strip_prefix("! ") {
            Some(words) => row.starts_with("! ") && words.split(" & ").all(|words| row.contains(words)),
            None => row == expected,
        };
        assert!(fits, "{row:?} is not {expected:?}");
    }
}

#[test]
fn a_messy_export_is_read_row_by_row() {
    let input = Input::open(&Source::Path("samples/messy.csv".into()), &InputOptions::default()).unwrap();
    assert!(input.is_regular_file());
    assert_eq!(input.format(), InputFormat::Csv);
    assert_eq!(columns(&input), ["Name", "Firma", "Land", "Notiz"]);
    assert_rows(
        input,
        &[
            "7317626718995427328 Jürgen Müller|Müller & Söhne GmbH|DE|",
            "7292656090521980928 Zoë Lefèvre|Atelier Lefèvre|FR|Messe Köln, Halle 8",
            "7348355736487743488 Anna Größler|Größler Steuerberatung|DE|aus der API kopiert",
            "7331170989480407040 Günter Weiß|Weiß Logistik AG|DE|als Text eingefügt",
            "7304647320768507904 Bj\u{FFFD}rn Åkesson|Nordlys AB|DE|Name aus der alten Liste",
            "! scientific notation & (7,32918E+18) Sabine Schäfer|Schäfer Medien|DE|",
            "! rounded & (7329176687475100000) Tomáš Dvořák|",
            "7295369837203456000 Käthe Böhm|Böhm Bau|DE|Rückruf versprochen;\r\n\"nach Ostern\", sagt sie\r\n- bisher nichts",
            "7317626718995427328 Jürgen Müller|Müller & Söhne GmbH|DE|steht schon oben",
            "7328883823724994560",
            "! 6 cells where the first record has 5 & (7329921920482131968) Frank Möller|Möller| Partner|DE",
            "7334618073785786368 Dr. Ulrike Jäger; MBA|Jäger Consulting|DE|",
            "! no invitation ID in this row & () Peter Krüger|Krüger Elektro|DE|ID fehlt noch",
            "7331186040169996288 Łukasz Wójcik|Wójcik Soft|DE|",
            "7293634317842919424 Inês Gonçalves|Gonçalves Lda.|BR|",
            "7331369392107696128 Heike Lößner|Lößner Druck|DE|=HYPERLINK(\"https://example.org\";\"Profil\")",
            "! not an invitation ID & (siehe Tabelle 2) Rainer Fuß||DE|",
            "7329288619908136960 Çağla Yıldız|Yıldız Tasarım|DE|",
            "7298772945181589504 Jörg Überall|Überall & Co. KG|DE|",
            "! line 25: & unclosed quote & reading goes on at line 26 ()",
            "7330315353620926464 Bärbel Voß|Voß Immobilien|DE|",
            "7338320162047709184 Nils Höfer|Höfer Technik|DE|Messe; Halle 3",
            "7296602630871531520 Šárka Nováková|Nováková a.s.|DE|letzte Zeile",
        ],
    );
}

#[test]
fn the_first_record_settles_delimiter_and_header() {
    let cases: [(&str, &[&str], &[&str]); 20] = [
        ("invitation_id\n7\n", &[], &["7"]),
        ("invitation_id,a;b\n7,x;y\n", &["a;b"], &["7 x;y"]),
        ("a,b;invitation_id\nx,y;7\n", &["a,b"], &["7 x,y"]),
        ("name\tinvitationId\nx\t7\n", &["name"], &["7 x"]),
        ("name|Invitation-ID\nx|7\n", &["name"], &["7 x"]),
        ("sep=;\r\ninvitation_id;a,b\r\n7;x\r\n", &["a,b"], &["7 x"]),
        ("SEP=\t\n7\tx\n", &["column_2"], &["7 x"]),
        ("\n \ninvitation_id\n7", &[], &["7"]),
        ("7\n8\n", &[], &["7", "8"]),
        ("7;x,y\n8", &["column_2"], &["7 x,y", "8"]),
        ("'7,x,\n", &["column_2", "column_3"], &["7 x|"]),
        ("urn:li:invitation:7|x\n", &["column_2"], &["7 x"]),
        ("urn:li:member:9\n7\n", &[], &["! not an invitation ID & (urn:li:member:9)", "7"]),
        ("7.3E+18\n7\n", &[], &["! scientific", "7"]),
        ("7,32918E+18\n7\n", &[], &["! scientific & (7,32918E+18)", "7"]),
        ("7,32918E+18;x\n7;y\n", &["column_2"], &["! scientific & x", "7 y"]),
        ("8,x\n7,32918E+18\n", &["column_2"], &["8 x", "! scientific & (7) 32918E+18"]),
        ("7\n8,9\n", &[], &["7", "! 2 cells where the first record has 1 & (8)"]),
        (
            "invitation_id,account,country,x\n7, berlin ,de,y\n,hamburg,,\n",
            &["country", "x"],
            &["7 @berlin DE de|y", "! no invitation ID & @hamburg |"],
        ),
        (
            "entity_urn;invitation_id\nurn:li:invitation:8;7,3E+18\nurn:li:invitation:8;7\n",
            &[],
            &["8", "! different invitations & (7)"],
        ),
    ];
    for (text, names, expected) in cases {
        let input = open_csv(text).unwrap();
        assert_eq!(columns(&input), names, "{text:?}");
        assert_rows(input, expected);
    }
}

#[test]
fn rows_inside_a_quoted_cell_are_not_lost_silently() {
    let cases: [(&str, &[&str]); 7] = [
        // The quote of line 2 finds its end in line 4's inches.
        ("invitation_id,note\n7,\"open\n8,x\n9,27\"\n10,y\n", &["! lines 2 to 4 are one record & (7)", "10 y"]),
        // It may be another column's.
        ("invitation_id,a,b\n7,\"open,x\n8,y,z\n9,y,27\"\n", &["! lines 2 to 4"]),
        ("invitation_id,a,b\n7,\"open\n8,27\",y\n", &["! lines 2 to 3"]),
        ("invitation_id,a,b\n7,\"open\n8,y,z\nx,27\",y\n", &["! lines 2 to 4"]),
        ("invitation_id,a,b\n7,x,\"open\n9,27\",y\n", &["! 4 cells"]),
        ("note,invitation_id\n\"see\na,b\n12\",7\n", &["7 see\na,b\n12"]),
        ("invitation_id,note\n7,\"call\n8\n4,\"\n", &["! lines 2 to 4"]),
    ];
    for (text, expected) in cases {
        assert_rows(open_csv(text).unwrap(), expected);
    }
}

#[test]
fn options_overrule_what_would_be_found() {
    let options =
        InputOptions { id_column: Some("Nr".into()), delimiter: Some(b':'), format: None, accept_rounded_ids: true };
    let input = open(b"invitation_id:nr\n8:7329176687475100000\n", None, &options).unwrap();
    assert_eq!(columns(&input), ["invitation_id"]);
    assert_rows(input, &["7329176687475100000 8"]);

    let json_lines = InputOptions { format: Some(InputFormat::JsonLines), ..InputOptions::default() };
    assert_rows(open(b"7\n8\n", Some("csv"), &json_lines).unwrap(), &["7 {}", "8 {}"]);
}

#[test]
fn an_input_without_rows_is_valid() {
    for extension in [None, Some("csv"), Some("jsonl"), Some("json")] {
        for text in ["", "\n \r\n", "\u{FEFF}"] {
            assert_rows(open(text.as_bytes(), extension, &InputOptions::default()).unwrap(), &[]);
        }
    }
    for (text, extension) in [("invitation_id;name\r\n", "csv"), ("sep=;", "csv"), ("[]", "json")] {
        assert_rows(open(text.as_bytes(), Some(extension), &InputOptions::default()).unwrap(), &[]);
    }
}

#[test]
fn what_cannot_be_used_says_what_to_do() {
    let id_column = InputOptions { id_column: Some("nr".into()), ..InputOptions::default() };
    let digit = InputOptions { delimiter: Some(b'7'), ..InputOptions::default() };
    let default = InputOptions::default();
    let cases: [(&str, &str, &InputOptions, &[&str]); 21] = [
        ("name;id\n", "csv", &default, &["in has no column invitation_id or profile_url", "name, id", "--id-column"]),
        ("name\n7\n", "csv", &id_column, &["no column \"nr\"", "name"]),
        ("7\n8\n", "csv", &id_column, &["no column \"nr\""]),
        ("7,329,176\n", "csv", &default, &["no column invitation_id"]),
        ("invitation_id,InvitationID\n", "csv", &default, &["\"invitation_id\" and \"InvitationID\""]),
        ("invitation_id,account,Account\n", "csv", &default, &["both name the account"]),
        ("invitation_id,login_token\n7,geheim\n", "csv", &default, &["\"login_token\"", "secret"]),
        ("API key;x\n", "csv", &default, &["\"API key\"", "secret"]),
        ("invitation_id;\"name\n7;x\n", "csv", &default, &["header on line 1", "not closed"]),
        ("invitation_id,\"note\n7,x\n8,27\"\n9,y\n", "csv", &default, &["header on line 1"]),
        ("7\n", "csv", &digit, &["'7' can't delimit"]),
        ("sep=7\n1\n", "csv", &default, &["'7' can't delimit"]),
        ("PK\u{3}\u{4}", "csv", &default, &["save it as CSV"]),
        ("i\0n\0v\0", "csv", &default, &["UTF-16", "UTF-8"]),
        ("[7,\n8,,]", "json", &default, &["in is not a valid JSON document (line 2, column 3)", "again"]),
        ("{\"invitation_id\":7}\n{\"invitation_id\":8}", "json", &default, &["line 2", "--input-format jsonl"]),
        ("{\"invitation_id\":7}", "json", &default, &["data.invitations", "--input-format jsonl"]),
        ("{\"data\":{\"invitations\":{}}}", "json", &default, &["neither an array"]),
        ("\"geheim\"", "json", &default, &["neither an array"]),
        ("[{\"a\":[{\"apiKey\":\"geheim\"}]}]", "json", &default, &["\"apiKey\"", "secret"]),
        ("{\"login_token\":\"geheim\",\"data\":{\"invitations\":[]}}", "json", &default, &["\"login_token\""]),
    ];
    for (text, extension, options, expected) in cases {
        let message = message(open(text.as_bytes(), Some(extension), options));
        for words in expected {
            assert!(message.contains(words), "{text:?}: {message:?} lacks {words:?}");
        }
        assert!(!message.contains("geheim") && !message.contains('\n'), "{message}");
    }
    let foreign: [&[u8]; 6] =
        [b"PK\x03\x04", b"\xD0\xCF\x11\xE0", b"\x1F\x8B\x08\0", b"\x28\xB5\x2F\xFD", b"\xFD7zXZ\0", b"BZh91AY"];
    for bytes in foreign {
        assert!(message(open(bytes, Some("csv"), &default)).contains("unpack it"), "{bytes:?}");
    }
    for extension in ["xlsx", "XLS", "ods"] {
        assert!(message(open(b"", Some(extension), &default)).contains("a spreadsheet's own file"), "{extension}");
    }
    assert!(open(b"7\n", Some("xls"), &default).is_ok() && open(b"", Some("csv"), &default).is_ok());
    let missing = Source::Path("samples/no-such-file.csv".into());
    assert!(message(Input::open(&missing, &default)).starts_with("samples/no-such-file.csv can't be read"));
    assert!(message(Input::open(&Source::Path("samples".into()), &default)).starts_with("samples is a directory"));
}

#[test]
fn a_record_of_csv_has_at_most_a_mebibyte() {
    let text = |length: usize| format!("invitation_id,note\n{ID},{}\n{ID},b\n", "a".repeat(length));
    let read = |length| rows(open(text(length).as_bytes(), Some("csv"), &InputOptions::default()).unwrap());
    let (fits, too_long) = (read((1 << 20) - 100), read(1 << 20));
    assert!(fits.len() == 2 && !fits[0].starts_with('!'));
    assert!(too_long.len() == 2 && too_long[0].contains("does not end within 1 MiB"), "{:?}", too_long[0]);
    assert_eq!(too_long[1], fits[1]);
}

#[test]
fn formats_are_told_from_extension_then_content() {
    let page = r#"{"data":{"invitations":[7]}}"#;
    let long = format!(r#"{{"data":{{"invitations":["{}"]}}}}"#, "x".repeat(2 << 20));
    let cases = [
        ("7", Some("TXT"), InputFormat::Csv),
        ("7\tx", Some("tsv"), InputFormat::Csv),
        ("7", Some("ndjson"), InputFormat::JsonLines),
        ("[7]", Some("json"), InputFormat::Json),
        ("[7]", Some("unknown"), InputFormat::Json),
        (" \n[7]", None, InputFormat::Json),
        ("7", None, InputFormat::Csv),
        ("\"7\"", None, InputFormat::Csv),
        ("{\"invitation_id\":7}\n", None, InputFormat::JsonLines),
        ("{\"invitation_id\":7}", None, InputFormat::JsonLines),
        ("{\"invitation_id\":7", None, InputFormat::JsonLines),
        ("{\"invitation_id\":\n{\"invitation_id\":8}", None, InputFormat::JsonLines),
        ("{\"invitation_id\": \"7\n{\"invitation_id\":8}\n", None, InputFormat::JsonLines),
        ("{invitation_id}\n{\"invitation_id\":8}\n", None, InputFormat::JsonLines),
        ("\n{\n  \"data\": {\n    \"invitations\": [7]\n  }\n}", None, InputFormat::Json),
        ("{\"data\": {\"invitations\": [\n  {\"invitation_id\": 7}\n]}}", None, InputFormat::Json),
        ("{\n  \"data\": {\n    oops", None, InputFormat::Json),
        (page, None, InputFormat::Json),
        (&long, None, InputFormat::Json),
    ];
    for (text, extension, expected) in cases {
        let head: String = text.chars().take(60).collect();
        let reader = io::Cursor::new(text.as_bytes().to_vec());
        let format = extension
            .and_then(InputFormat::of_extension)
            .unwrap_or_else(|| InputFormat::guess(&mut super::buffer::Buffer::new(reader, super::buffer::CHUNK)));
        assert_eq!(format, expected, "{head}");
    }
}

#[test]
fn json_lines_are_read_one_by_one() {
    let text = format!(
        r#"{{"invitation_id":"{ID}","name":"Zoë","account":"berlin","country":"de","n":1.50}}

{{"InvitationId":{ID},"deep":{{"a":[1]}}}}
"urn:li:invitation:{ID}"
{ID}
{{"entity_urn":"urn:li:fsd_invitation:{ID}","invitation_id":null}}
7.3e18
7329176687475100000
{{"invitation_id":7.0}}
{{"invitation_id":"{ID}","invitationId":"{OTHER}"}}
{{"invitation_id":"{ID}","invitation_id":"{OTHER}"}}
{{"invitation_id":"{ID}","entity_urn":"urn:li:invitation:{OTHER}"}}
{{"invitation_id":"{ID}","a":[{{"Login-Token":"geheim"}}]}}
{{"invitation_id":"{ID}","account":5}}
{{"invitation_id":"{ID}","account":null}}
{{"invitation_id":"{ID}" "login_token":"geheim"}}
{{"name":"x"}}
[7]
null
{}
{{"invitation_id":"{ID}"}}"#,
        "x".repeat(3 << 20)
    );
    let input = open(text.as_bytes(), Some("jsonl"), &InputOptions::default()).unwrap();
    // The over-long line begins within the first chunk and has no columns.
    assert_eq!(columns(&input), ["name", "country", "n", "deep"]);
    let fields = |fields: &str| format!("{ID} {fields}");
    assert_rows(
        input,
        &[
            &format!(r#"{ID} @berlin DE {{"name":"Zoë","country":"de","n":1.50}}"#),
            &fields(r#"{"deep":{"a":[1]}}"#),
            &fields("{}"),
            &fields("{}"),
            &fields("{}"),
            "! scientific & (7.3e+18)",
            "! a spreadsheet has probably rounded & (7329176687475100000) {}",
            "! not an invitation ID & (7.0)",
            "! \"invitation_id\" and \"invitationId\"",
            "! \"invitation_id\" and \"invitation_id\"",
            "! different invitations",
            "! \"Login-Token\" looks like a secret & () {}",
            "! account is not a JSON string",
            &fields("{}"),
            "! line 16 is not valid JSON & () {}",
            "! no invitation ID & {\"name\":\"x\"}",
            "! not an invitation: & () {}",
            "! not an invitation: & () {}",
            "! line 20 is longer than 1 MiB",
            &fields("{}"),
        ],
    );
    let input = open(text.as_bytes(), Some("jsonl"), &InputOptions::default()).unwrap();
    assert!(!rows(input).join("\n").contains("geheim"));
}

#[test]
fn a_row_has_the_one_address_of_its_profile() {
    let cases = [
        ("csv", "invitation_id,Profile URL\n7,x.y/in/ada\n", Some("x.y/in/ada")),
        ("csv", "invitation_id,profile_url\n7\n", None),
        ("csv", "profile_url,invitation_id,LinkedInUrl\na,7,\n", Some("a")),
        ("csv", "profile_url,invitation_id,LinkedInUrl\na,7,a\n", Some("a")),
        ("csv", "profile_url,invitation_id,LinkedInUrl\na,7,b\n", None),
        ("csv", "7,a\n", None),
        ("jsonl", r#"{"invitation_id":7,"recipient.linkedin_url":"a","recipient":"Ada"}"#, Some("a")),
        ("jsonl", r#"{"invitation_id":7,"profile_url":"a","profile_url":"b"}"#, None),
        ("jsonl", r#"{"invitation_id":7,"profile_url":"a","profile_url":["a"]}"#, None),
        ("jsonl", r#"{"invitation_id":7,"profile_url":null,"recipient":{"linkedin_url":"a"}}"#, Some("a")),
        ("jsonl", r#"{"invitation_id":7,"profile_url":"b","recipient":{"linkedin_url":"a"}}"#, None),
        ("jsonl", r#"{"invitation_id":7,"recipient":{"linkedin_url":"a","linkedin_url":"a"}}"#, None),
        ("jsonl", r#"{"invitation_id":7,"recipient":{"linkedin_url":"a"},"recipient":{}}"#, None),
        ("jsonl", "7", None),
        ("json", r#"{"data":{"invitations":[{"invitation_id":7,"recipient":{"linkedin_url":"a"}}]}}"#, Some("a")),
    ];
    for (extension, text, expected) in cases {
        let mut input = open(text.as_bytes(), Some(extension), &InputOptions::default()).unwrap();
        let row = input.next().unwrap().unwrap().unwrap();
        assert_eq!(row.profile_url.as_deref(), expected, "{text}");
    }
}

#[test]
fn a_bad_first_line_leaves_json_lines_json_lines() {
    let input = open(b"{\"invitation_id\": \"7\n{\"invitation_id\":8}\n", None, &InputOptions::default()).unwrap();
    assert_rows(input, &["! line 1 is not valid JSON", "8 {}"]);
}

#[test]
fn documents_are_arrays_and_saved_answers() {
    let array = format!(r#"[{ID}, "urn:li:invitation:8", {{"invitation_id": "{OTHER}", "a": 1}}, {{"b": 2}}, [7]]"#);
    let input = open(array.as_bytes(), Some("json"), &InputOptions::default()).unwrap();
    assert_eq!(columns(&input), ["a", "b"]);
    let other = format!("{OTHER} {{\"a\":1}}");
    assert_rows(input, &[&format!("{ID} {{}}"), "8 {}", &other, "! no invitation ID", "! not an invitation:"]);

    let answer = format!(
        r#"{{ "status": "success", "credits": 1,
              "data": {{ "invitations": [
                  {{"invitation_id": {ID}, "entity_urn": "urn:li:fsd_invitation:{ID}", "name": "V1"}},
                  {{"entity_urn": "urn:li:invitation:{OTHER}", "name": "V2"}}] }} }}"#
    );
    let input = open(answer.as_bytes(), None, &InputOptions::default()).unwrap();
    assert_eq!(columns(&input), ["name"]);
    assert_rows(input, &[&format!(r#"{ID} {{"name":"V1"}}"#), &format!(r#"{OTHER} {{"name":"V2"}}"#)]);
}

#[test]
fn every_encoding_reads_the_same_and_bad_bytes_stay_visible() {
    let text = format!("invitation_id;name\r\n{ID};Zoë\r\n");
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(to_bytes).collect()
    };
    let utf8_bom = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    for bytes in [text.clone().into_bytes(), utf8_bom, utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)] {
        let input = open(&bytes, None, &InputOptions::default()).unwrap();
        assert_rows(input, &[&format!("{ID} Zoë")]);
    }
    // 0xB2 and 0xB3 are superscript digits in Latin-1.
    let bad = b"invitation_id,name\n732\xB29,x\n7\xFF,x\n\xFF7,x\n7,\xFFx\n7\xEF\xBB\xBF,x\n7\0,x\n";
    let input = open(bad, None, &InputOptions::default()).unwrap();
    assert_rows(
        input,
        &[
            "! not an invitation ID & (732\u{FFFD}9)",
            "! not an invitation ID & (7\u{FFFD})",
            "! not an invitation ID & (\u{FFFD}7)",
            "7 \u{FFFD}x",
            "! not an invitation ID",
            "! not an invitation ID",
        ],
    );
    let input = open(b"{\"invitation_id\":\"7\xFF\"}\n7\xFF\n", Some("jsonl"), &InputOptions::default()).unwrap();
    assert_rows(input, &["! not an invitation ID & (7\u{FFFD})", "! line 2 is not valid JSON"]);
}

/// Where each record begins, as an editor counts.
#[test]
fn rows_know_their_lines() {
    let csv = "sep=;\r\n\r\n\"invitation_id\";\"note\r\nof two lines\"\r\n\r\n7;x\r\n8;\"two\r\n\r\nlines\"\r\nx;y\r\n \r\n9;z";
    let with_bom = format!("\u{feff}{csv}");
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| with_bom.encode_utf16().flat_map(to_bytes).collect::<Vec<_>>();
    let old_mac = csv.replace("\r\n", "\r");
    let unclosed = "invitation_id,note\n7,\"open\n8,x\n\n9,y\n";
    let lines = "\n7\n\n{\"invitation_id\": 8}\r\n{\"invitation_id\" 9}\n  \n[7]\n9";
    let answer = "\n{\"status\": \"success\", \"data\": {\n\"invitations\": [\n\n  {\"invitation_id\": 7,\n \
                  \"note\": \"a\\nb\"}, {\"invitation_id\": 8},\r\n  {\"name\": \"x\"}]}}";
    let cases: [(&[u8], &str, &[u64]); 11] = [
        (csv.as_bytes(), "csv", &[6, 7, 10, 12]),
        (with_bom.as_bytes(), "csv", &[6, 7, 10, 12]),
        (&utf16(u16::to_le_bytes), "csv", &[6, 7, 10, 12]),
        (&utf16(u16::to_be_bytes), "csv", &[6, 7, 10, 12]),
        (old_mac.as_bytes(), "csv", &[6, 7, 10, 12]),
        (unclosed.as_bytes(), "csv", &[2, 3, 5]),
        (b"7\n\n8\n", "csv", &[1, 3]),
        (lines.as_bytes(), "jsonl", &[2, 4, 5, 7, 8]),
        (b"[7, \"8\",\n\n{\"b\": 2}\n, 9]", "json", &[1, 1, 3, 4]),
        (b"7", "json", &[]),
        (answer.as_bytes(), "json", &[5, 6, 7]),
    ];
    for (bytes, extension, expected) in cases {
        let Ok(input) = open(bytes, Some(extension), &InputOptions::default()) else {
            assert_eq!(expected, [0; 0]);
            continue;
        };
        let line = |row: Result<Row, RowError>| row.map_or_else(|error| error.line, |row| row.line).unwrap();
        let found: Vec<_> = input.map(|row| line(row.unwrap())).collect();
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn how_csv_is_written_is_known_for_the_report() {
    let utf16: Vec<u8> = "\u{feff}invitation_id\tx\n7\ty\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&[u8], &str, u8, bool); 7] = [
        (b"invitation_id;x\n7;y\n", "csv", b';', false),
        (b"\xEF\xBB\xBFinvitation_id|x\n7|y\n", "csv", b'|', true),
        (&utf16, "csv", b'\t', true),
        (b"7\n", "csv", b',', false),
        (b"\xEF\xBB\xBFinvitation_id;x", "csv", b';', true),
        (b"\xEF\xBB\xBF7\n", "jsonl", b',', false),
        (b"\xEF\xBB\xBF[7]", "json", b',', false),
    ];
    for (bytes, extension, delimiter, has_bom) in cases {
        let input = open(bytes, Some(extension), &InputOptions::default()).unwrap();
        assert_eq!(input.csv_style(), CsvStyle { delimiter, has_bom }, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_row_without_a_usable_id_shows_its_texts() {
    let csv = b"invitation_id,entity_urn\n7.3E+18,urn:li:member:9\n7,urn:li:invitation:8\n";
    let json = b"{\"invitation_id\":\"7.3E+18\",\"entity_urn\":\"urn:li:member:9\"}\n\
                 {\"invitation_id\":7,\"entity_urn\":\"urn:li:invitation:8\"}";
    for (bytes, extension) in [(csv.as_slice(), "csv"), (json, "jsonl")] {
        let input = open(bytes, Some(extension), &InputOptions::default()).unwrap();
        let texts: Vec<_> =
            input.map(|row| row.unwrap().unwrap_err()).map(|error| (error.id_text, error.urn_text)).collect();
        let expected = [("7.3E+18", "urn:li:member:9"), ("7", "urn:li:invitation:8")];
        assert_eq!(texts, expected.map(|(id, urn)| (id.to_owned(), urn.to_owned())), "{extension}");
    }
}

/// Gives its bytes one by one, then fails.
struct Breaking(Cursor<Vec<u8>>);

impl Read for Breaking {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let length = bytes.len().min(1);
        match self.0.read(&mut bytes[..length])? {
            0 => Err(io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_broken_read_ends_the_input_and_half_a_row_is_none() {
    let cases = [
        ("invitation_id\n7\n7329", "csv", vec!["7"], 3),
        ("7\n8,\"x", "csv", vec!["7"], 2),
        ("7\n8\n", "jsonl", vec!["7 {}", "8 {}"], 3),
        ("7\n7329", "jsonl", vec!["7 {}"], 2),
    ];
    for (text, extension, expected, line) in cases {
        let reader = Breaking(Cursor::new(text.into()));
        let mut input = Input::from_reader(reader, "in", Some(extension), &InputOptions::default()).unwrap();
        for _ in &expected {
            assert!(input.next().unwrap().unwrap().is_ok(), "{text:?}");
        }
        let error = input.next().unwrap().unwrap_err();
        assert!(error.to_string().starts_with(&format!("in can't be read from line {line} on:")), "{error}");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the disk is gone");
        assert!(input.next().is_none());
    }
}

#[test]
fn a_read_that_fails_before_the_first_row_is_an_input_error() {
    for (text, extension) in [("", "csv"), ("", "jsonl"), ("invitation", "csv"), ("[7", "json"), ("[7]", "json")] {
        let reader = Breaking(Cursor::new(text.into()));
        let opened = Input::from_reader(reader, "in", Some(extension), &InputOptions::default());
        assert!(matches!(opened, Err(InputError::Unreadable { .. })), "{text:?}");
    }
}

#[test]
fn an_input_can_move_to_another_thread() {
    fn assert_send<T: Send>() {}
    assert_send::<Input>();
}

proptest! {
    #[test]
    fn any_content_is_read_to_its_end(
        head in prop::sample::select(vec!["", "invitation_id,a\n", "7;x\n", "[", "{", "sep=;\n", "\u{FEFF}"]),
        bytes in prop::collection::vec(prop_oneof![
            prop::sample::select(b"\"\",;\n\r7 {}[]:\\".to_vec()),
            any::<u8>(),
        ], 0..200),
        extension in prop::sample::select(vec![None, Some("csv"), Some("jsonl"), Some("json")]),
    ) {
        let content = [head.as_bytes(), &bytes].concat();
        if let Ok(input) = open(&content, extension, &InputOptions::default()) {
            rows(input);
        }
    }
}

/// A number in a note is no invitation: behind a quote that is not closed, only whole rows are sent.
#[test]
fn text_behind_an_unclosed_quote_is_not_taken_for_a_row() {
    let input = "invitation_id,message\n111,\"call me at\n4915123456789\nthanks\"x\n222,ok\n333\n";
    let options = InputOptions::default();
    let rows: Vec<_> =
        Input::from_reader(input.as_bytes(), "list.csv", None, &options).unwrap().map(Result::unwrap).collect();
    let ids: Vec<_> = rows.iter().map(|row| row.as_ref().ok().map(text_of)).collect();
    assert_eq!(ids.iter().map(Option::as_deref).collect::<Vec<_>>(), [None, None, None, Some("222"), Some("333")]);
    assert!(rows[1].as_ref().unwrap_err().reason.starts_with("line 3 follows a quote"));
}

/// One line of a pipe is enough to begin with.
#[test]
fn json_lines_from_a_pipe_do_not_wait_for_more_than_the_first_line() {
    struct Dribble(&'static [u8]);
    impl Read for Dribble {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "asked for more than the first line");
            let count = to.len().min(10).min(self.0.len());
            to[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }
    let pipe = Dribble(b"{\"invitation_id\": 7, \"name\": \"Ann\"}\n");
    let mut input = Input::from_reader(pipe, "stdin", None, &InputOptions::default()).unwrap();
    assert_eq!(input.format(), InputFormat::JsonLines);
    assert_eq!(text_of(&input.next().unwrap().unwrap().unwrap()), "7");
}

/// What JavaScript makes of a number, and spreadsheets: some round to 15 digits, some cut.
fn ruined(number: u64) -> [String; 4] {
    #[expect(clippy::cast_precision_loss, reason = "as JavaScript does")]
    let float = number as f64;
    let (cut, rounded) = (number / 10_000 * 10_000, (number + 5_000) / 10_000 * 10_000);
    [float.to_string(), cut.to_string(), rounded.to_string(), format!("{float:.5e}").replace('e', "E+")]
}

type Written<'a> = &'a dyn Fn(&[&str]) -> String;

#[test]
fn of_two_thousand_ids_none_is_refused_and_none_of_the_ruined_let_through() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut number = |at: u64| (random.u64(6_000_000_000_000_000_000..7_500_000_000_000_000_000) >> 12 << 12) + at % 2;
    let genuine: Vec<u64> = (0..2_000).map(&mut number).collect();
    let texts: Vec<_> = genuine.iter().map(ToString::to_string).collect();
    let of_ruined = |number| ruined(number).into_iter().map(move |text| (number, text));
    let ruined: Vec<_> = genuine
        .iter()
        .flat_map(|&number| of_ruined(number))
        .filter(|(number, text)| *text != number.to_string())
        .collect();
    // One in some hundred is ruined into another genuine-looking ID. By its digits, nobody can tell.
    let is_genuine = |text: &str| text.parse::<u64>().is_ok_and(|number| number.is_multiple_of(4_096));
    let tellable: Vec<_> = ruined.iter().filter(|(_, text)| !is_genuine(text)).collect();
    assert!(tellable.len() > 7_900 && tellable.len() * 100 > ruined.len() * 99, "{} {}", tellable.len(), ruined.len());

    let csv = |texts: &[&str]| format!("invitation_id\n{}", texts.join("\n"));
    let bare = |texts: &[&str]| texts.join("\n");
    let numbers = |texts: &[&str]| format!("{{\"invitation_id\":{}}}", texts.join("}\n{\"invitation_id\":"));
    let document = |texts: &[&str]| format!("[\"{}\"]", texts.join("\",\""));
    let formats: [(&str, Written<'_>); 5] =
        [("csv", &csv), ("csv", &bare), ("jsonl", &bare), ("jsonl", &numbers), ("json", &document)];
    for (extension, written) in formats {
        let read = |texts: &[&str], accept_rounded_ids| {
            let options = InputOptions { accept_rounded_ids, ..InputOptions::default() };
            let input = open(written(texts).as_bytes(), Some(extension), &options).unwrap();
            input.map(Result::unwrap).collect::<Vec<_>>()
        };
        let whole: Vec<_> = texts.iter().map(String::as_str).collect();
        let ids: Vec<_> = read(&whole, false).into_iter().map(|row| text_of(&row.unwrap())).collect();
        assert_eq!(ids, texts, "{extension}");

        let broken: Vec<_> = tellable.iter().map(|(_, text)| text.as_str()).collect();
        for (row, (number, text)) in read(&broken, false).into_iter().zip(&tellable) {
            let error = row.expect_err(text);
            let original = (number / 4_096 * 4_096).to_string();
            assert!(text.contains('E') || error.reason.contains(&original), "{text}, of {number}: {}", error.reason);
        }
        assert!(read(&broken, true).iter().zip(&broken).all(|(row, text)| row.is_ok() != text.contains('E')));
    }
}

#[test]
fn leading_zeros_name_the_same_invitation() {
    assert_rows(open_csv("invitation_id\n007\n7\n").unwrap(), &["7", "7"]);
    assert_rows(open(b"\"007\"\n", Some("jsonl"), &InputOptions::default()).unwrap(), &["7 {}"]);
}

#[test]
fn several_ids_on_a_line_without_a_header_are_never_half_withdrawn() {
    for text in [format!("{ID},{OTHER}\n"), format!("{ID};Ada;urn:li:invitation:{OTHER}\n"), format!("{ID}\t7\n")] {
        let said = message(open_csv(&text));
        assert!(said.contains("several IDs") && said.contains("one per line"), "{text:?}: {said}");
    }
    let urn = format!("{ID},urn:li:invitation:{ID}");
    let text = format!("{urn}\n{ID},Ada\n{ID},{OTHER}\n{OTHER},Bob\n");
    let expected = [
        format!("{ID} urn:li:invitation:{ID}"),
        format!("{ID} Ada"),
        "! several IDs".to_owned(),
        format!("{OTHER} Bob"),
    ];
    assert_rows(open_csv(&text).unwrap(), &expected.each_ref().map(String::as_str));
    // A header says which is meant.
    assert_rows(open_csv(&format!("invitation_id,n\n{ID},7\n")).unwrap(), &[&format!("{ID} 7")]);
}

#[test]
fn a_profile_can_name_the_person() {
    const ADA: &str = "https://www.linkedin.com/in/ada";
    const BOB: &str = "linkedin.com/in/bob";
    let cases: [(&str, &[&str], &[&str]); 11] = [
        ("profile_url\nADA\nBOB\n", &["profile_url"], &["ADA ADA", "BOB BOB"]),
        ("name;LinkedIn URL;account\nAda;ADA;x\n", &["name", "LinkedIn URL"], &["ADA @x Ada|ADA"]),
        // The ID comes first, and a ruined one is nobody's.
        (
            "invitation_id,profile_url\n7,ADA\n,ADA\n7.3e18,ADA\nn/a,BOB\n",
            &["profile_url"],
            &["7 ADA", "ADA ADA", "! scientific & (7.3e18) ADA", "! not an invitation ID & (n/a) BOB"],
        ),
        (
            "profile_url,entity_urn\nADA,urn:li:invitation:7\nADA,\nADA,urn:li:member:7\n",
            &["profile_url"],
            &["7 ADA", "ADA ADA", "! no invitation ID & ADA"],
        ),
        (
            "profile_url,linkedin_url\nADA,\nADA,BOB\n",
            &["profile_url", "linkedin_url"],
            &["ADA ADA|", "! no invitation ID & ADA|BOB"],
        ),
        // What is written there is compared only later.
        ("profile_url\nAda Lovelace\n\n", &["profile_url"], &["Ada Lovelace Ada Lovelace"]),
        ("ADA\nBOB\n7\nx\n", &["profile_url"], &["ADA ADA", "BOB BOB", "7", "! not an invitation ID & (x)"]),
        ("ADA,Ada\n7,Bob\n", &["profile_url", "column_2"], &["ADA ADA|Ada", "7 |Bob"]),
        ("7,Bob\nADA,Ada\n", &["column_2"], &["7 Bob", "ADA Ada"]),
        ("7\nADA,7\n", &[], &["7", "! 2 cells where"]),
        (
            "ADA,x\nADA,7\nADA,BOB\n",
            &["profile_url", "column_2"],
            &["ADA ADA|x", "! several IDs, profile URLs", "! several IDs, profile URLs"],
        ),
    ];
    let whole = |text: &str| text.replace("ADA", ADA).replace("BOB", BOB);
    for (text, names, expected) in cases {
        let input = open_csv(&whole(text)).unwrap();
        assert_eq!(columns(&input), names, "{text:?}");
        let expected: Vec<_> = expected.iter().map(|row| whole(row)).collect();
        assert_rows(input, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
    assert!(message(open_csv(&whole("ADA,BOB\n"))).contains("several IDs, profile URLs"));
    let lines = whole(
        "{\"profile_url\":\"ADA\",\"x\":1}\n\"BOB\"\n{\"recipient\":{\"linkedin_url\":\"ADA\"}}\n\"x\"\n{\"x\":1}\n",
    );
    let expected = [
        r#"ADA {"profile_url":"ADA","x":1}"#,
        r#"BOB {"profile_url":"BOB"}"#,
        r#"ADA {"recipient":{"linkedin_url":"ADA"}}"#,
        "! not an invitation ID & (x)",
        "! no invitation ID",
    ];
    let expected = expected.map(whole);
    assert_rows(
        open(lines.as_bytes(), Some("jsonl"), &InputOptions::default()).unwrap(),
        &expected.each_ref().map(String::as_str),
    );
}

/// What looks like an ID may be the row's number.
#[test]
fn an_id_beside_a_profile_needs_a_header() {
    const ADA: &str = "https://www.linkedin.com/in/ada";
    for (cells, delimiter) in [
        (vec!["1", "Juergen", ADA], ";"),
        (vec![ADA, "7"], ","),
        (vec!["7", ADA], "\t"),
        (vec!["7.3E18", "Ada", ADA], ";"),
    ] {
        let text = cells.join(delimiter);
        let said = message(open_csv(&format!("{text}\n{text}\n")));
        let header = format!("invitation_id{delimiter}name{delimiter}profile_url");
        let expected = format!("in: line 1 has an ID and a profile URL: add a header line, like {header}");
        assert_eq!(said, expected, "{text}");
    }
    // In a later line.
    let text = format!("7;Ada;\n2;Bob;{ADA}\n");
    assert_rows(open_csv(&text).unwrap(), &["7 Ada|", "! several IDs, profile URLs"]);
}

/// An unclosed quote may hold rows that name people by their profiles.
#[test]
fn lines_inside_a_quote_that_name_people_are_not_one_cell() {
    let text = "profile_url,note\nlinkedin.com/in/a,\"27\nlinkedin.com/in/b,28\"\nlinkedin.com/in/c,x\n";
    assert_rows(open_csv(text).unwrap(), &["! lines 2 to 3 are one record", "linkedin.com/in/c linkedin.com/in/c|x"]);
}
