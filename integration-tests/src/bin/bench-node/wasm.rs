//! WebAssembly: a function in the request itself, and processes of aos.

use anyhow::{Result, ensure};
use bytes::Bytes;
use oxbeam_integration_tests::aos;
use oxbeam_integration_tests::bench::signed;
use oxbeam_protocol::codec::HttpMessage;
use oxbeam_protocol::{Message, commitment};

use crate::node::{Node, Row};

const REQUESTS: usize = 500;
/// Slots of aos that are computed cold, as the reference's were, and as many as show its pace.
const COLD: u32 = 10;
const WARM: u32 = 200;

/// Computes factorials of floats, with a memory of 64 bits.
const FACTORIAL: &str = r#"(module (memory (export "memory") i64 1)
  (func $fac (export "fac") (param f64) (result f64)
    (if (result f64) (f64.lt (local.get 0) (f64.const 1))
      (then (f64.const 1))
      (else (f64.mul (local.get 0) (call $fac (f64.sub (local.get 0) (f64.const 1))))))))"#;

/// `fac(5)` of a module that comes with the request.
pub(crate) fn function(node: &Node) -> Result<()> {
    let headers = [("function", "fac"), ("parameters+list", "5.0")];
    let headers = headers.map(|(name, value)| (name.into(), Bytes::from_static(value.as_bytes())));
    let body = Some(wat::parse_str(FACTORIAL)?.into());
    let request = HttpMessage { headers: headers.into(), body };
    let target = "/~wasm-64@1.0/init/compute/results/output/1";
    let reply = node.send("POST", target, &request)?;
    let answer: f64 = String::from_utf8_lossy(&reply.body).parse()?;
    ensure!((answer - 120.0).abs() < f64::EPSILON, "fac(5) is {answer}");
    let what = "`POST` a module, `init/compute` `fac(5)`";
    let row = Row { what, clients: 16, reference: Some(18.0) };
    node.row(row, "POST", vec![(target.to_owned(), request); REQUESTS])
}

/// What aos evaluates.
pub(crate) fn aos(node: &Node, module: Vec<u8>) -> Result<()> {
    let image = upload(node, module)?;
    let process = node.spawn(aos::definition(&image))?;
    let eval = |number| {
        let code = format!("count = (count or 0) + 1; return count + {number}");
        Message::from([("action", "Eval"), ("data", code.as_str())])
    };
    for message in node.messages(&process, 0..COLD + WARM, eval)? {
        node.send("POST", &format!("/{process}/schedule"), &message)?;
    }
    let what = "`Eval` slots of aos, cold";
    node.computed(Row { what, clients: 1, reference: Some(1.45) }, &process, COLD, COLD)?;
    let what = "`Eval` slots of aos, warm";
    let row = Row { what, clients: 1, reference: Some(1.45) };
    node.computed(row, &process, WARM, COLD + WARM)?;
    let last = format!("/{process}/compute&slot={}/results/data", COLD + WARM);
    let expected = COLD + WARM + COLD + WARM - 1;
    let shown = node.get(&last)?;
    ensure!(shown == expected.to_string(), "the last slot of aos shows {shown}");
    Ok(())
}

/// Makes a module readable by its id: a message that is scheduled on any process.
fn upload(node: &Node, module: Vec<u8>) -> Result<String> {
    let shelf = node.spawn(Message::from([("execution-device", "test-device@1.0")]))?;
    let message =
        Message::from([("type", "Message"), ("subject", "self")]).with("target", shelf.as_str());
    let message = message.with("body", module);
    let signed = signed(&message, &node.wallet)?;
    node.post(&format!("/{shelf}/schedule"), &signed)?;
    Ok(commitment::signed_id(&signed.into())?.to_string())
}
