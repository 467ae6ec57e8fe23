//! How changes become rows of the tables, and rows become turns again. Which rows are read, and when what is written, is
//! decided in [`super`].

use rusqlite::{Row, Transaction, named_params, params};

use crate::action::Kind;
use crate::conversation::{Record, Turn};
use crate::gateway::signal::Usage;
use crate::gateway::surface::Surface;
use crate::store::{Change, Home, Window};

/// Writes one change.
pub(super) fn write(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Begin { home, time } => {
            // Those that were begun and never used.
            transaction.execute(
                "DELETE FROM conversations WHERE workspace = ? AND NOT alone
                 AND NOT EXISTS (SELECT 1 FROM turns WHERE conversation = conversations.id)",
                [&home.workspace],
            )?;
            be_there(transaction, home, "", *time)
        }
        Change::Turn {
            home,
            record,
            window,
        } => write_turn(transaction, home, record, *window),
        Change::Forget(name) => transaction
            .execute("DELETE FROM turns WHERE name = ?", [name])
            .map(drop),
        Change::Leave(names) => names.iter().try_for_each(|name| {
            transaction
                .execute("UPDATE turns SET outside = 1 WHERE name = ?", [name])
                .map(drop)
        }),
        Change::Usage { model, usage, time } => transaction
            .execute(
                "INSERT INTO usage VALUES (date(:time / 1000, 'unixepoch', 'localtime'), :model, 1, :input, :cached, :written,
                     :output, :estimated)
                 ON CONFLICT DO UPDATE SET requests = requests + 1, input = input + excluded.input,
                     cached = cached + excluded.cached, written = written + excluded.written, output = output + excluded.output,
                     estimated = estimated + excluded.estimated",
                named_params! {
                    ":time": time, ":model": model,
                    ":input": number(usage.input), ":cached": number(usage.cached),
                    ":written": number(usage.written), ":output": number(usage.output),
                    ":estimated": usage.estimated,
                },
            )
            .map(drop),
    }
}

/// The conversation's row, made with its first turn or before, and made again if somebody has deleted it meanwhile.
fn be_there(
    transaction: &Transaction<'_>,
    home: &Home,
    title: &str,
    time: i64,
) -> rusqlite::Result<()> {
    transaction
        .execute(
            "INSERT INTO conversations (id, workspace, alone, title, created, updated)
             VALUES (:id, :workspace, :alone, :title, :time, :time)
             ON CONFLICT DO UPDATE SET updated = max(updated, excluded.updated),
                 title = CASE title WHEN '' THEN excluded.title ELSE title END",
            named_params! {
                ":id": home.conversation, ":workspace": home.workspace, ":alone": home.alone, ":title": title, ":time": time,
            },
        )
        .map(drop)
}

fn write_turn(
    transaction: &Transaction<'_>,
    home: &Home,
    record: &Record,
    window: Window,
) -> rusqlite::Result<()> {
    let title = format!("{} ({})", record.title, record.path);
    be_there(transaction, home, &title, record.time)?;
    let tokens = |read: fn(Usage) -> u64| record.usage.map(|usage| number(read(usage)));
    // Once: what was not known to be written may have been.
    transaction.execute(
        "INSERT INTO turns (name, conversation, question, answer, document, kind, title, path, first_line, last_line, model, surface,
             time, input, cached, written, output, estimated, seconds)
         VALUES (:name, :conversation, :question, :answer, :document, :kind, :title, :path, :first_line, :last_line, :model, :surface,
             :time, :input, :cached, :written, :output, :estimated, :seconds)
         ON CONFLICT DO NOTHING",
        named_params! {
            ":name": record.turn.id, ":conversation": home.conversation, ":question": record.turn.question,
            ":answer": record.turn.answer, ":document": record.turn.document, ":kind": kind_word(record.kind), ":title": record.title, ":path": record.path,
            ":first_line": record.lines.0, ":last_line": record.lines.1, ":model": record.model,
            ":surface": surface_word(record.surface), ":time": record.time, ":input": tokens(|usage| usage.input),
            ":cached": tokens(|usage| usage.cached), ":written": tokens(|usage| usage.written),
            ":output": tokens(|usage| usage.output),
            ":estimated": record.usage.map(|usage| usage.estimated), ":seconds": number(record.seconds),
        },
    )?;
    let (name, behind) = match window {
        Window::From(name) => (name, 0),
        Window::Behind => (record.turn.id, 1),
        Window::Unknown => return Ok(()),
    };
    let first = "UPDATE conversations SET first = coalesce((SELECT id FROM turns WHERE name = ?) + ?, first) WHERE id = ?";
    transaction
        .execute(first, params![name, behind, home.conversation])
        .map(drop)
}

pub(super) fn turn(row: &Row<'_>) -> rusqlite::Result<Turn> {
    Ok(Turn {
        id: row.get(0)?,
        question: row.get(1)?,
        answer: row.get(2)?,
        document: row.get(3)?,
    })
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let input: Option<i64> = row.get(12)?;
    let usage = input.map(|input| -> rusqlite::Result<Usage> {
        Ok(Usage {
            input: count(input),
            cached: count(row.get(13)?),
            written: count(row.get(14)?),
            output: count(row.get(15)?),
            estimated: row.get(16)?,
        })
    });
    let (kind, surface): (String, String) = (row.get(4)?, row.get(10)?);
    Ok(Record {
        turn: turn(row)?,
        kind: if kind == kind_word(Kind::Ask) {
            Kind::Ask
        } else {
            Kind::Rewrite
        },
        title: row.get(5)?,
        path: row.get(6)?,
        lines: (row.get(7)?, row.get(8)?),
        model: row.get(9)?,
        surface: if surface == surface_word(Surface::OpenAi) {
            Surface::OpenAi
        } else {
            Surface::Anthropic
        },
        time: row.get(11)?,
        usage: usage.transpose()?,
        seconds: count(row.get(17)?),
    })
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Ask => "ask",
        Kind::Rewrite => "rewrite",
    }
}

fn surface_word(surface: Surface) -> &'static str {
    match surface {
        Surface::OpenAi => "openai",
        Surface::Anthropic => "anthropic",
    }
}

/// SQLite's numbers have a sign.
pub(super) fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
