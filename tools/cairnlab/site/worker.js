// The search runs in a worker, and browsers start none from a file. Where the page is one, a hidden frame
// takes its place.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(path) {
      super();
      const address = new URL(path, location);
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      window.addEventListener("message", (event) => {
        if (event.source !== inside) return;
        this.dispatchEvent(new MessageEvent("message", { data: event.data }));
        this.onmessage?.(event);
      });
      // Scripts are loaded one after the other, as a worker would load them.
      inside.importScripts = (...names) =>
        names.reduce(
          (before, name) =>
            before.then(
              () =>
                new Promise((loaded) => {
                  const script = inside.document.createElement("script");
                  script.src = new URL(name, address);
                  script.onload = loaded;
                  inside.document.body.append(script);
                })
            ),
          Promise.resolve()
        );
      inside.postMessage = (data) => parentMessage(inside, data);
      this.ready = inside.importScripts(address);
      this.inside = inside;
    }

    postMessage(data) {
      this.ready.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.inside.frameElement?.remove();
    }
  };

  // What the frame says comes from the frame.
  function parentMessage(inside, data) {
    window.dispatchEvent(new MessageEvent("message", { data, source: inside }));
  }
}
