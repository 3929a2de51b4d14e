/// A program that can be told to pull through the local endpoint.
package enum ServeClient: String, CaseIterable, Sendable {
  case containerd, docker, podman, crio, buildkit, k3s, kind
}
