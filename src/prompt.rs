//! A request to a model, free of any wire format. (Builder: to come.)

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person, or this program on their behalf.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// The text; never empty.
    pub text: String,
}

/// What is sent to the model: roles alternate, the first and the last message are the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The model's id.
    pub model: String,
    /// The system prompt.
    pub system: String,
    /// Past turns, then the new one.
    pub messages: Vec<Message>,
    /// The limit on generated tokens; always sent, since gateways put in small ones of their own.
    pub max_output_tokens: u32,
}
