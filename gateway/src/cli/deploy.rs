//! `oxbeam deploy`: an agent on a node.

use oxbeam_protocol::{Message, Wallet};
use serde_json::json;

use super::agent::Agent;
use super::arguments::agent::Deploy;
use super::client::{Client, Signed, own_wallet, signed};
use super::failure::Failure;
use super::say_line;

/// Sends the code, then the definition that names it.
pub(super) fn run(arguments: &Deploy) -> Result<(), Failure> {
    let agent = Agent::load(&arguments.agent)?;
    let client = Client::of(&arguments.at)?;
    let wallet = own_wallet(arguments.signer.wallet.as_deref())?;
    let node = client.address()?;
    let module = keep(&client, &agent.module(), &wallet)?;
    let definition = signed(&agent.definition(&module.id.to_string(), &node), &wallet)?;
    client.post("/push", &definition)?.ok(&client, "the definition of the agent")?;
    let (process, owner) = (definition.id.to_string(), wallet.address().to_string());
    if arguments.at.json {
        let (module, name) = (module.id.to_string(), &agent.name);
        let deployed = json!({ "process": process, "module": module, "name": name, "owner": owner,
            "node": client.url() });
        say_line(&deployed.to_string());
        return Ok(());
    }
    let at = arguments.at.node.as_ref().map(|url| format!(" --node {url}")).unwrap_or_default();
    say_line(&format!(
        "process  {process}\nmodule   {}\nowner    {owner}\n\nnext:\n  \
         oxbeam send {process} --action NAME{at}\n  \
         oxbeam state {process}{at}\n  \
         oxbeam log {process} --follow{at}",
        module.id
    ));
    Ok(())
}

/// Sends a message for the node to keep, and makes sure that it does.
fn keep(client: &Client, message: &Message, wallet: &Wallet) -> Result<Signed, Failure> {
    let message = signed(message, wallet)?;
    // Whatever the node makes of it, it keeps what is signed.
    client.post("/~message@1.0/id", &message)?;
    let kept = client.get(&format!("/{}/type", message.id))?;
    match kept.status {
        200 => Ok(message),
        404 => Err(Failure::NotKept { url: client.url().to_owned() }),
        _ => Err(kept.refused(client, "the code of the agent")),
    }
}
