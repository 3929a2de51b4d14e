import Testing

@testable import Registry

/// What of a helper's words is shown.
@Suite("Words of credential helpers")
struct HelperWordTests {
  @Test(
    "say why it failed, and no part of an answer",
    arguments: [
      // As Docker's say it.
      (
        "error getting credentials - err: exit status 1", "",
        "error getting credentials - err: exit status 1"
      ),
      ("", "vault is sealed\nusage: x", "vault is sealed"), ("", "sealed", "sealed"),
      ("no secret service is here", "gpg: no key", "gpg: no key; no secret service is here"),
      (
        #"exec: "pass": executable file not found in $PATH"#, "",
        #"exec: "pass": executable file not found in $PATH"#
      ),
      (#"{"Username":"u","Secret":"s3cret"}"#, "", nil),
      (#"{"Username":"u","Secret":"s3cret"}"# + "\nthe vault said no", "", "the vault said no"),
      ("{\n \"Username\": \"u\",\n \"Secret\": \"s3cret with blanks\"\n}\n", "", nil),
      (#"{"Username":"u","Secret":"s3cret with blanks"#, "", nil),
      ("\"Secret\": \"s3cret with blanks\"\n}", "", nil),
      (#"got { "Secret": "s3cret" } from there"#, "", nil), ("user s3cret", "", nil),
      ("", "Secret: s3cret and more", nil), ("", "password = s3cret and more", nil),
      (
        "", #"{"message":"the session is over, log in again"}"#, "the session is over, log in again"
      ),
    ] as [(String, String, String?)])
  func words(output: String, error: String, shown: String?) {
    let words = HelperWords.of(output: output, error: error)
    #expect(words == shown)
    #expect(words?.contains("s3cret") != true)
  }
}
