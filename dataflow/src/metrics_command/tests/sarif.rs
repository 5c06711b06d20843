//! The SARIF log: what consumers need of it, what it leaves out, and what it may cost.

use super::*;

fn results(out: &str) -> Vec<Value> {
    let log: Value = serde_json::from_str(out).expect("one JSON document");
    log["runs"][0]["results"].as_array().expect("results").clone()
}

#[test]
fn a_sarif_log_has_rules_regions_levels_and_links() {
    let folder = smelly();
    let (out, _, result) = printed(&args(&["--sarif", "--docs-url", "https://x.test/docs/"], &[folder.path()]));
    result.expect("nothing is refused");
    let log: Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for rule in rules {
        let id = rule["id"].as_str().expect("an id");
        assert_eq!(rule["helpUri"], format!("https://x.test/docs/smells.md#{id}"));
        assert!(rule["help"]["text"].as_str().is_some_and(|text| !text.is_empty()), "{id}");
        assert!(rule["shortDescription"]["text"].as_str().is_some_and(|text| text.ends_with('.')), "{id}");
        assert!(["warning", "note"].contains(&rule["defaultConfiguration"]["level"].as_str().expect("a level")));
    }
    let results = run["results"].as_array().expect("results");
    assert!(results.len() >= 2);
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(result["ruleId"], rules[index]["id"]);
        assert_eq!(result["level"], rules[index]["defaultConfiguration"]["level"]);
        let place = &result["locations"][0]["physicalLocation"];
        let (start, end) = (place["region"]["startLine"].as_u64(), place["region"]["endLine"].as_u64());
        assert!(start >= Some(1) && start <= end, "{result}");
        let uri = place["artifactLocation"]["uri"].as_str().expect("a URI");
        assert!(uri.starts_with("file:///") && !uri.contains([' ', '#']), "{uri}");
    }
    let long = results.iter().find(|result| result["ruleId"] == "long_method").expect("the long method");
    assert_eq!(long["message"]["text"], "The function has too many lines of code: ploc 62, over 50.");
    assert_eq!(long["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "one");
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
}

#[test]
fn a_sarif_log_names_what_was_not_read() {
    let folder = folder();
    let (out, _, _) = printed(&args(&["--sarif"], &[&folder.path().join("missing.py")]));
    let log: Value = serde_json::from_str(&out).expect("one JSON document");
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let text = invocation["toolExecutionNotifications"][0]["message"]["text"].as_str().expect("a message");
    assert!(text.ends_with("missing.py: no such file or folder"), "{text}");
    assert!(log["runs"][0]["tool"]["driver"]["rules"][0].get("helpUri").is_none());
}

#[test]
fn a_sarif_log_holds_the_most_severe_results_that_consumers_take_and_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let numbers: String = (0..2_600).map(|n| format!("    f({n}.5)\n")).collect();
    for file in 0..10 {
        let text = format!("def g():\n{numbers}\ndef h():\n    return 1\n    f()\n");
        fs::write(folder.path().join(format!("{file}.py")), text).expect("a file");
    }
    // Ten functions are as many copies, long and with a statement that is never reached.
    let (out, errors, result) = printed(&args(&["--sarif"], &[folder.path()]));
    result.expect("nothing is refused");
    let found = results(&out);
    assert_eq!(found.len(), 25_000);
    assert!(found[..10].iter().all(|result| result["ruleId"] == "dead_code"), "{}", found[0]);
    assert_eq!(found.iter().filter(|result| result["ruleId"] == "long_method").count(), 10);
    let levels: Vec<bool> = found.iter().map(|result| result["level"] == "note").collect();
    assert!(levels.is_sorted(), "warnings come first");
    let log: Value = serde_json::from_str(&out).expect("one JSON document");
    let notification = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(notification["level"], "warning");
    let text = notification["message"]["text"].as_str().expect("a message");
    assert!(text.contains(" smells were found, and the log holds the 25000 most severe ones"), "{text}");
    assert_eq!(errors, format!("driftline: {text}\n"));
}

#[test]
fn a_fingerprint_stays_where_lines_move_and_is_unique() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.py");
    let code = "def f(a):\n    a(7)\n    a(7)\n    a(8, 8)\ndef g(a):\n    a(7)\n";
    let prints = |text: &str| -> Vec<String> {
        fs::write(&path, text).expect("a file");
        let found = results(&printed(&args(&["--sarif"], &[&path])).0);
        let print = |result: &Value| {
            let prints = &result["partialFingerprints"];
            assert_eq!(prints["primaryLocationLineHash"], prints["driftline/v1"]);
            prints["driftline/v1"].as_str().expect("a fingerprint").to_owned()
        };
        let mut prints: Vec<String> = found.iter().map(print).collect();
        prints.sort();
        prints
    };
    let before = prints(code);
    let distinct: std::collections::BTreeSet<_> = before.iter().collect();
    assert!(before.len() >= 4 && distinct.len() == before.len(), "{before:?}");
    assert_eq!(prints(&format!("# moved\n\n{code}")), before);
    let renamed = prints(&code.replace("def g", "def h"));
    assert_eq!(before.iter().filter(|print| !renamed.contains(print)).count(), 1);
}

#[test]
fn a_name_that_is_not_utf8_has_a_uri_that_leads_to_the_file() {
    let text = "function f(a) {\n  try { a(); } catch (e) {}\n}\n";
    let folder = folder_of(&[
        (b"a\xffb.js", text),
        (b"a\xfeb.js", "// first\n\nfunction g(a) {\n  try { a(); } catch (e) {}\n}\n"),
    ]);
    let (out, _, result) = printed(&args(&["--sarif"], &[folder.path()]));
    result.expect("nothing is refused");
    let uris: Vec<String> = results(&out)
        .iter()
        .map(|result| &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        .filter_map(|uri| Some(uri.as_str()?.rsplit_once('/')?.1.to_owned()))
        .collect();
    assert_eq!(uris, ["a%FEb.js", "a%FFb.js"]);
}
