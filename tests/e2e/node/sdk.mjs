// One job for one of the Node clients, read from stdin: {client, baseURL, key, format, scenarios}. Prints JSON: for each
// scenario and each way to ask, the digest of the picture and the events told, or the error that was thrown.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const PROMPT = "A lighthouse at dawn";
const job = JSON.parse(readFileSync(0, "utf8"));
const digest = (text) => createHash("sha256").update(Buffer.from(text, "base64")).digest("hex");

function sdk({ OpenAI }) {
  const client = new OpenAI({ baseURL: job.baseURL, apiKey: job.key, maxRetries: 0 });
  const tool = {
    type: "image_generation",
    model: "gpt-image-2",
    size: "1024x1024",
    quality: "low",
    output_format: job.format,
    partial_images: 1,
  };
  const body = (scenario) => ({
    model: "gpt-5",
    input: PROMPT,
    tools: [tool],
    tool_choice: { type: "image_generation" },
    metadata: { scenario },
  });
  const options = (scenario) => ({ headers: { "x-darkroom-scenario": scenario } });
  const pictures = (items) =>
    items.filter((item) => item.type === "image_generation_call").map((item) => digest(item.result));
  return {
    async plain(scenario) {
      const response = await client.responses.create(body(scenario), options(scenario));
      return { pictures: pictures(response.output), requestId: response._request_id };
    },
    async stream(scenario) {
      const told = [];
      const done = [];
      const stream = await client.responses.create({ ...body(scenario), stream: true }, options(scenario));
      for await (const event of stream) {
        told.push(event.type);
        if (event.type === "response.output_item.done") done.push(event.item);
      }
      return { pictures: pictures(done), told };
    },
    async helper(scenario) {
      const stream = client.responses.stream(body(scenario), options(scenario));
      return { pictures: pictures((await stream.finalResponse()).output) };
    },
  };
}

function vercel({ generateText, streamText }, { createOpenAI }) {
  const openai = createOpenAI({ baseURL: job.baseURL, apiKey: job.key });
  const ask = (scenario) => ({
    model: openai.responses("gpt-5"),
    prompt: PROMPT,
    maxRetries: 0,
    headers: { "x-darkroom-scenario": scenario },
    tools: {
      image_generation: openai.tools.imageGeneration({
        model: "gpt-image-2",
        size: "1024x1024",
        quality: "low",
        outputFormat: job.format,
        partialImages: 1,
      }),
    },
    toolChoice: { type: "tool", toolName: "image_generation" },
    providerOptions: { openai: { metadata: { scenario } } },
  });
  return {
    async plain(scenario) {
      const { toolResults } = await generateText(ask(scenario));
      return { pictures: toolResults.map((result) => digest(result.output.result)) };
    },
    async stream(scenario) {
      const told = [];
      let last = null;
      const { fullStream } = streamText({ ...ask(scenario), onError() {} });
      for await (const part of fullStream) {
        told.push(part.type);
        if (part.type === "error") throw part.error;
        if (part.type === "tool-result") last = part.output.result;
      }
      return { pictures: last === null ? [] : [digest(last)], told };
    },
  };
}

const clients = {
  "openai-6": async () => sdk(await import("openai-6")),
  "openai-7": async () => sdk(await import("openai-7")),
  "ai-6": async () => vercel(await import("ai-6"), await import("@ai-sdk/openai-3")),
  "ai-7": async () => vercel(await import("ai"), await import("@ai-sdk/openai")),
};

const ways = await clients[job.client]();
const found = {};
for (const scenario of job.scenarios) {
  found[scenario] = {};
  for (const [way, ask] of Object.entries(ways)) {
    try {
      found[scenario][way] = await ask(scenario);
    } catch (error) {
      found[scenario][way] = {
        error: error.constructor.name,
        status: error.status ?? error.statusCode ?? null,
        code: error.code ?? error.data?.error?.code ?? null,
        message: String(error.message),
      };
    }
  }
}
process.stdout.write(JSON.stringify(found));
