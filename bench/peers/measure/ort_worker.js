// node ort_worker.js FOLDER MODEL INPUT THREADS: an ONNX file in ONNX Runtime, run on demand (workers.py has the protocol).
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");

const [folder, model, input, threads] = process.argv.slice(2);
const installed = path.join(path.resolve(folder), "node_modules", "onnxruntime-node");
const ort = require(installed);

function answer(facts) {
  process.stdout.write(JSON.stringify(facts) + "\n");
}

// As much of safetensors as is needed: one float32 tensor in, float32 tensors out.
function read(file, name) {
  const bytes = fs.readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const entry = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8"))[name];
  const [begin, end] = entry.data_offsets;
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset + 8 + length + begin, bytes.byteOffset + 8 + length + end));
  return new ort.Tensor("float32", data, entry.shape);
}

function write(file, tensors) {
  const header = {};
  let offset = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape: [...tensor.dims], data_offsets: [offset, offset + tensor.data.byteLength] };
    offset += tensor.data.byteLength;
  }
  let text = Buffer.from(JSON.stringify(header), "utf8");
  text = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const parts = Object.values(tensors).map((tensor) => Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
  fs.writeFileSync(file, Buffer.concat([length, text, ...parts]));
}

async function main() {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    intraOpNumThreads: Number(threads),
    interOpNumThreads: 1,
  });
  const feeds = { "samples.tensor": read(input, "samples.tensor") };
  const version = JSON.parse(fs.readFileSync(path.join(installed, "package.json"), "utf8")).version;
  answer({ ready: true, version: `ONNX Runtime ${version}` });
  let out = null;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [word, argument] = line.trim().split(/ (.*)/s);
    if (word === "run") {
      out = null;
      const started = process.hrtime.bigint();
      out = await session.run(feeds);
      answer({ seconds: Number(process.hrtime.bigint() - started) / 1e9 });
    } else if (word === "outputs") {
      write(argument, out);
      answer({ written: true });
    } else if (word === "memory") {
      const peak = /VmHWM:\s+(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1];
      answer({ peak_mb: (Number(peak) * 1024) / 1e6 });
    } else {
      throw new Error(`unknown: ${line}`);
    }
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
