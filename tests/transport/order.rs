//! What overtakes what: nothing that would make an editor and the server see different texts.

use serde_json::{Value, json};

use crate::client::{Client, framed};

fn change(version: i32) -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": "textDocument/didChange",
        "params": { "textDocument": { "uri": "u", "version": version }, "contentChanges": [] },
    })
}

#[tokio::test]
async fn a_later_change_never_overtakes_an_earlier_request() {
    let mut client = Client::initialized().await;
    for round in 1..=500 {
        let question = json!({ "jsonrpc": "2.0", "id": round, "method": "test/version" });
        let messages = [change(round), question, change(-round)];
        let bytes = messages
            .map(|message| framed(message.to_string().as_bytes()))
            .concat();
        client.send_bytes(&bytes).await;
        let answer = client.receive().await;
        assert_eq!(
            (&answer["id"], &answer["result"]),
            (&json!(round), &json!(round))
        );
    }
}

#[tokio::test]
async fn the_first_message_of_a_job_never_overtakes_the_reply_that_names_it() {
    let mut client = Client::initialized().await;
    for round in 0..200 {
        let reply = client.request(json!(round), "test/job", Value::Null).await;
        assert_eq!(reply["result"], "a job");
        assert_eq!(client.receive().await["params"]["message"], "from the job");
    }
}

#[tokio::test]
async fn replies_that_are_ready_at_once_come_in_the_order_of_their_requests() {
    let mut client = Client::initialized().await;
    let request =
        |id: usize| json!({ "jsonrpc": "2.0", "id": id, "method": "test/echo", "params": [id] });
    let bytes: Vec<u8> = (0..300)
        .flat_map(|id| framed(request(id).to_string().as_bytes()))
        .collect();
    client.send_bytes(&bytes).await;
    for id in 0..300 {
        assert_eq!(client.receive().await["id"], json!(id));
    }
}
