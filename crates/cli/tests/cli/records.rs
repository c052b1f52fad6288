//! `samovar records`: tables in and out, by schema alone.

use crate::harness::{DAMAGE, DONE, OTHER, Place, USAGE, samovar, samovar_reading};
use std::fs;

const SCHEMA: &str = "time:i64,close:f64,bid:f64[2],name:u8[8]";
const TABLE: &str =
    "time,close,bid[0],bid[1],name\n1,7.5,7.4,7.3,600600\n2,7.6,7.5,7.4,\n-3,0.1,NaN,inf,abcdefgh\n";

fn imported(place: &Place) -> String {
    let (file, csv) = (place.file("bars"), place.write("bars.csv", TABLE.as_bytes()));
    let answer = samovar(&["records", "import", &file, &csv, "--schema", SCHEMA]).ends(DONE);
    assert!(answer.out().contains("3 records"), "{}", answer.out());
    file
}

#[test]
fn a_table_goes_in_and_comes_out_the_same() {
    let place = Place::new();
    let file = imported(&place);
    assert_eq!(samovar(&["records", "export", &file]).ends(DONE).out(), TABLE);
    let out = place.file("out.csv");
    samovar(&["records", "export", &file, "--out", &out]).ends(DONE);
    assert_eq!(fs::read_to_string(&out).expect("the table"), TABLE);
    // Again, from standard input, in another order, with a column too many; the schema is known by now.
    let more = "x,name,bid[1],bid[0],close,time\n9,n,1,2,3,4\n";
    samovar_reading(more.as_bytes(), &["records", "import", &file, "-"]).ends(DONE);
    let tail = samovar(&["records", "tail", &file, "-n", "1"]).ends(DONE).out();
    assert_eq!(tail, "time,close,bid[0],bid[1],name\n4,3,2,1,n\n");
    let head = samovar(&["records", "head", &file, "-n", "1"]).ends(DONE).out();
    assert_eq!(head, "time,close,bid[0],bid[1],name\n1,7.5,7.4,7.3,600600\n");
    assert_eq!(samovar(&["records", "head", &file]).ends(DONE).out().lines().count(), 5);
}

#[test]
fn info_says_what_is_there() {
    let place = Place::new();
    let file = imported(&place);
    let text = samovar(&["records", "info", &file]).ends(DONE).out();
    assert!(text.contains(SCHEMA) && text.contains("3 records of 40 bytes"), "{text}");
    let json = samovar(&["records", "info", &file, "--json"]).ends(DONE).json();
    assert_eq!((json["records"].as_u64(), json["record_bytes"].as_u64()), (Some(3), Some(40)));
    assert_eq!(json["schema"].as_str(), Some(SCHEMA));
    assert_eq!((json["durable"].as_u64(), json["condition"].as_str()), (Some(3), Some("sound")));
}

#[test]
fn a_bad_line_is_named_and_nothing_is_imported() {
    let place = Place::new();
    let file = imported(&place);
    let bytes = fs::read(&file).expect("the file");
    let lines =
        [("1,7.5,x,7.3,a\n", "line 4"), ("1,7.5,7.4,7.3,too long a name\n", "line 4"), ("1,2\n", "line: 4")];
    for (line, said) in lines {
        let table = TABLE.replace("-3,0.1,NaN,inf,abcdefgh\n", line);
        let csv = place.write("bad.csv", table.as_bytes());
        samovar(&["records", "import", &file, &csv]).ends(USAGE).says(&[
            said,
            "bad.csv",
            "nothing was imported",
        ]);
    }
    let csv = place.write("bad.csv", b"time,close\n1,2\n");
    samovar(&["records", "import", &file, &csv]).ends(USAGE).says(&["bid[0]"]);
    assert!(fs::read(&file).expect("the file") == bytes, "the file was changed");
    let new = place.file("new");
    samovar(&["records", "import", &new, &csv, "--schema", SCHEMA]).ends(USAGE).says(&["bid[0]"]);
    assert!(!place.path("new").exists());
}

#[test]
fn wrong_files_and_schemas_are_told() {
    let place = Place::new();
    let (file, csv) = (imported(&place), place.file("bars.csv"));
    samovar(&["records", "import", &file, &csv, "--schema", "time:i64"]).ends(USAGE).says(&["time:i64"]);
    let renamed = SCHEMA.replace("close", "bid[0]");
    samovar(&["records", "import", &file, &csv, "--schema", &renamed]).ends(USAGE).says(&["--schema"]);
    let missing = place.file("missing");
    samovar(&["records", "info", &missing]).ends(OTHER).says(&[&missing, "records import"]);
    samovar(&["records", "import", &missing, &csv]).ends(USAGE).says(&["--schema"]);
    samovar(&["records", "head", &csv]).ends(USAGE).says(&["bars.csv"]);
    samovar(&["records", "import", &missing, &missing, "--schema", SCHEMA]).ends(OTHER).says(&[&missing]);
    fs::OpenOptions::new().write(true).open(&file).expect("the file").set_len(8000).expect("shorter");
    samovar(&["records", "export", &file]).ends(DAMAGE).says(&[&file]);
}

#[test]
fn a_copy_is_made_and_checked() {
    let place = Place::new();
    let file = imported(&place);
    let copy = place.file("copy");
    let said = samovar(&["records", "backup", &file, &copy]).ends(DONE).out();
    assert!(said.contains("3 records"), "{said}");
    samovar(&["records", "backup", &file, &copy]).ends(USAGE);
    assert_eq!(samovar(&["records", "export", &copy]).ends(DONE).out(), TABLE);
    let said = samovar(&["records", "check", &copy]).ends(DONE).out();
    assert!(said.contains("3 records can be read"), "{said}");
    let mut bytes = fs::read(&copy).expect("the copy");
    bytes[4096 + 128 + 8] ^= 1; // its capacity
    fs::write(&copy, bytes).expect("the copy");
    samovar(&["records", "check", &copy]).ends(DAMAGE);
}

#[test]
fn tail_follows_what_another_process_writes() {
    use std::io::{BufRead, BufReader};
    let place = Place::new();
    let file = imported(&place);
    let mut following = std::process::Command::new(env!("CARGO_BIN_EXE_samovar"))
        .args(["records", "tail", "-n", "1", "-f", &file])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("samovar runs");
    let mut lines =
        BufReader::new(following.stdout.take().expect("its output")).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("time,close,bid[0],bid[1],name"));
    assert_eq!(lines.next().as_deref(), Some("-3,0.1,NaN,inf,abcdefgh"));
    for time in 10..13 {
        let line = format!("time,close,bid[0],bid[1],name\n{time},1,2,3,x\n");
        samovar_reading(line.as_bytes(), &["records", "import", &file, "-"]).ends(DONE);
        assert_eq!(lines.next(), Some(format!("{time},1,2,3,x")));
    }
    following.kill().expect("it runs");
    following.wait().expect("it ended");
}

#[test]
fn checksums_and_columns_that_lie_apart_are_made_and_checked() {
    let place = Place::new();
    let csv = place.write("bars.csv", TABLE.as_bytes());
    for (name, options) in [
        ("sums", &["--checksums"][..]),
        ("apart", &["--columns-apart"][..]),
        ("both", &["--checksums", "--columns-apart"][..]),
    ] {
        let file = place.file(name);
        let import = ["records", "import", &file, &csv, "--schema", SCHEMA];
        samovar(&[&import[..], options].concat()).ends(DONE);
        assert_eq!(samovar(&["records", "export", &file]).ends(DONE).out(), TABLE, "{name}");
        let json = samovar(&["records", "info", &file, "--json"]).ends(DONE).json();
        assert_eq!(json["checksums"].as_bool(), Some(name != "apart"));
        assert_eq!(json["block_records"].as_u64(), (name != "sums").then_some(8192));
        let said = samovar(&["records", "check", &file]).ends(DONE).out();
        assert_eq!(said.contains("checksums fit"), name != "apart", "{said}");

        let begin =
            usize::try_from(json["records_offset"].as_u64().expect("an offset")).expect("a small one");
        let mut bytes = fs::read(&file).expect("the file");
        bytes[begin] ^= 1;
        fs::write(&file, bytes).expect("a damaged file");
        if name != "apart" {
            samovar(&["records", "check", &file]).ends(DAMAGE).says(&["record 0", "checksum"]);
            samovar(&["records", "export", &file]).ends(DAMAGE);
        }
    }
}

#[test]
#[cfg(feature = "parquet")]
fn parquet_goes_in_and_comes_out_the_same() {
    let place = Place::new();
    let (file, table, copy) = (imported(&place), place.file("bars.parquet"), place.file("copy"));
    samovar(&["records", "export", &file, "--out", &table]).ends(DONE);
    samovar(&["records", "import", &copy, &table, "--schema", SCHEMA]).ends(DONE);
    assert_eq!(samovar(&["records", "export", &copy]).ends(DONE).out(), TABLE);
    samovar(&["records", "import", &copy, &table, "--schema", "z:i64"])
        .ends(USAGE)
        .says(&["z", "nothing was imported"]);
}

#[test]
#[cfg(not(feature = "parquet"))]
fn a_program_without_parquet_says_so() {
    let place = Place::new();
    let (file, table) = (imported(&place), place.file("bars.parquet"));
    samovar(&["records", "export", &file, "--out", &table]).ends(USAGE).says(&["--features parquet"]);
    samovar(&["records", "import", &file, &table]).ends(USAGE).says(&["--features parquet"]);
    assert!(!place.path("bars.parquet").exists());
}
