// Package smtp recognises SMTP and its relatives in the two byte streams of a TCP connection and
// summarises the dialogue.
package smtp
