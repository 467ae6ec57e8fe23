-- Finds the answers about a document.
CREATE INDEX turns_by_document ON turns (document, id);
