use super::*;

fn clean(
    shape: &Shape,
    deltas: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<String, Rejected> {
    let mut cleaner = Cleaner::new(shape.clone());
    let mut out: String = deltas
        .into_iter()
        .map(|delta| cleaner.push(delta.as_ref()))
        .collect();
    out.push_str(&cleaner.finish()?);
    Ok(out)
}

#[test]
fn smoke() {
    let shape = Shape {
        language: "python".into(),
        selection: "x\n".into(),
        line_prefix: String::new(),
        line_suffix: String::new(),
        line_ending: "\n",
        indent: Indent::Spaces(4),
    };
    assert_eq!(
        clean(
            &shape,
            ["```python\ndef add(a, b):\n    return a + b\n```\n\nThis function takes"]
        )
        .unwrap(),
        "def add(a, b):\n    return a + b\n"
    );
}
