// {{name}}: keeps a total.
//
// A message names an exported function and its numbers: {"function": "add", "parameters": [5]}.
// All of the memory is the agent's state: what a variable holds is there for the next message.

#define EXPORT(name) __attribute__((export_name(name)))

static long long total;

// Adds to the total, and answers with it.
EXPORT("add") long long add(long long quantity) {
    total += quantity;
    return total;
}

// Answers with the total.
EXPORT("total") long long current(void) {
    return total;
}
