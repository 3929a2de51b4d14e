"""Kubernetes' image service, as the kubelet calls it: pulls one image over a container runtime's socket.

    PYTHONPATH=tools python3 -m cairnlab.serve.cri SOCKET IMAGE [USER:PASSWORD]

The three messages that it needs are written by hand (field numbers of k8s.io/cri-api, runtime/v1/api.proto);
PyPI's grpcio carries them. Prints the image's reference; exit code 1 and the error where there is none.
"""
import sys


def varint(number):
    octets = bytearray()
    while number > 0x7f:
        octets.append(number & 0x7f | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def field(number, value):
    """A field whose value is text or another message."""
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def text_field(message, number):
    """The first text of that number in a message that has nothing but texts."""
    position = 0

    def read():
        nonlocal position
        result = shift = 0
        while True:
            octet = message[position]
            position += 1
            result |= (octet & 0x7f) << shift
            shift += 7
            if octet < 0x80:
                return result

    while position < len(message):
        key = read()
        length = read()
        if key == number << 3 | 2:
            return message[position:position + length].decode()
        position += length
    return ""


def request(image, credentials=None):
    """PullImageRequest: image = 1 {image = 1}, auth = 2 {username = 1, password = 2}."""
    message = field(1, field(1, image))
    if credentials:
        user, _, password = credentials.partition(":")
        message += field(2, field(1, user) + field(2, password))
    return message


def pull(socket, image, credentials=None, seconds=120):
    import grpc

    with grpc.insecure_channel(f"unix://{socket}") as channel:
        call = channel.unary_unary(
            "/runtime.v1.ImageService/PullImage", request_serializer=bytes, response_deserializer=bytes)
        return text_field(call(request(image, credentials), timeout=seconds), 1)


if __name__ == "__main__":
    try:
        print(pull(*sys.argv[1:4]))
    except Exception as error:  # Whatever grpc says is what there is to say.
        details = getattr(error, "details", None)
        print(details() if details else error, file=sys.stderr)
        sys.exit(1)
