// Written by `CAIRN_WRITE_MODELS=1 swift test --filter ShippedModelTests`: the texts of models/*.json.
// swift-format-ignore-file

extension ShippedModels {
  static let links: [(name: String, json: String)] = [
    (
      "cap-lifted",
      #"""
      {
        "name": "cap-lifted",
        "about": "A server that throttles each connection to 8 Mbit/s and lets go later.",
        "bandwidthMbit": 200,
        "roundTripMs": 30,
        "bufferKiB": 1024,
        "perConnectionMbit": 8,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "changes": [
          {
            "atSeconds": 3,
            "perConnectionMbit": 40
          },
          {
            "atSeconds": 10,
            "perConnectionMbit": 10
          }
        ]
      }
      """#
    ),
    (
      "cdn-cap-20",
      #"""
      {
        "name": "cdn-cap-20",
        "about": "300 Mbit/s where each connection gets 20 Mbit/s.",
        "bandwidthMbit": 300,
        "roundTripMs": 40,
        "bufferKiB": 1024,
        "perConnectionMbit": 20,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "server": {
          "redirects": true
        }
      }
      """#
    ),
    (
      "cdn-cap-5",
      #"""
      {
        "name": "cdn-cap-5",
        "about": "A content network that gives each connection 5 Mbit/s.",
        "bandwidthMbit": 300,
        "roundTripMs": 30,
        "bufferKiB": 1024,
        "perConnectionMbit": 5,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        }
      }
      """#
    ),
    (
      "cross-traffic",
      #"""
      {
        "name": "cross-traffic",
        "about": "100 Mbit/s shared with four long downloads that come and go.",
        "bandwidthMbit": 100,
        "roundTripMs": 25,
        "bufferKiB": 512,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "crossTraffic": [
          {
            "flows": 4,
            "fromSeconds": 2,
            "untilSeconds": 12
          },
          {
            "flows": 8,
            "fromSeconds": 25,
            "untilSeconds": 45
          }
        ]
      }
      """#
    ),
    (
      "datacentre-10g",
      #"""
      {
        "name": "datacentre-10g",
        "about": "A cloud registry in the same region: 10 Gbit/s, 800 Mbit/s a connection.",
        "bandwidthMbit": 10000,
        "roundTripMs": 2,
        "bufferKiB": 4096,
        "perConnectionMbit": 800,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "client": {
          "cpuSecondsPerGigabyte": 2.6,
          "cpus": 4
        }
      }
      """#
    ),
    (
      "drop-and-back",
      #"""
      {
        "name": "drop-and-back",
        "about": "100 Mbit/s that lose 70 % in the middle of a pull and get it back.",
        "bandwidthMbit": 100,
        "roundTripMs": 30,
        "bufferKiB": 512,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "changes": [
          {
            "atSeconds": 2,
            "bandwidthMbit": 30
          },
          {
            "atSeconds": 7,
            "bandwidthMbit": 100
          },
          {
            "atSeconds": 25,
            "bandwidthMbit": 30
          },
          {
            "atSeconds": 40,
            "bandwidthMbit": 100
          }
        ]
      }
      """#
    ),
    (
      "fibre-300",
      #"""
      {
        "name": "fibre-300",
        "about": "Fibre to the home, 300 Mbit/s, a near content network.",
        "bandwidthMbit": 300,
        "roundTripMs": 12,
        "bufferKiB": 1024,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "rateNoise": 0.03
      }
      """#
    ),
    (
      "handover",
      #"""
      {
        "name": "handover",
        "about": "A train: from LTE to a crowded cell and on to 5G.",
        "bandwidthMbit": 60,
        "roundTripMs": 40,
        "bufferKiB": 512,
        "rateNoise": 0.08,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 3
        },
        "changes": [
          {
            "atSeconds": 3,
            "bandwidthMbit": 20,
            "roundTripMs": 90,
            "loss": 0.001
          },
          {
            "atSeconds": 9,
            "bandwidthMbit": 150,
            "roundTripMs": 35,
            "loss": 0
          },
          {
            "atSeconds": 30,
            "bandwidthMbit": 40,
            "roundTripMs": 60
          }
        ]
      }
      """#
    ),
    (
      "home-100",
      #"""
      {
        "name": "home-100",
        "about": "A 100 Mbit/s home line that one connection nearly fills.",
        "bandwidthMbit": 100,
        "roundTripMs": 18,
        "bufferKiB": 1024,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "rateNoise": 0.03
      }
      """#
    ),
    (
      "lan-mirror",
      #"""
      {
        "name": "lan-mirror",
        "about": "A registry mirror in the same rack, 1 Gbit/s.",
        "bandwidthMbit": 1000,
        "roundTripMs": 0.5,
        "bufferKiB": 1024,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "client": {
          "cpuSecondsPerGigabyte": 2.6,
          "cpus": 2
        }
      }
      """#
    ),
    (
      "limit-12",
      #"""
      {
        "name": "limit-12",
        "about": "A registry that serves 12 requests at a time and answers the next with 429.",
        "bandwidthMbit": 200,
        "roundTripMs": 35,
        "bufferKiB": 1024,
        "perConnectionMbit": 15,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "server": {
          "connectionLimit": 12,
          "retryAfterSeconds": 1
        }
      }
      """#
    ),
    (
      "long-fat",
      #"""
      {
        "name": "long-fat",
        "about": "300 Mbit/s to another continent, 150 ms.",
        "bandwidthMbit": 300,
        "roundTripMs": 150,
        "bufferKiB": 2048,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        }
      }
      """#
    ),
    (
      "lossy-wifi",
      #"""
      {
        "name": "lossy-wifi",
        "about": "Wi-Fi at its edge: 100 Mbit/s, 60 ms, one packet in 200 lost.",
        "bandwidthMbit": 100,
        "roundTripMs": 60,
        "bufferKiB": 512,
        "loss": 0.005,
        "rateNoise": 0.05,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 3
        }
      }
      """#
    ),
    (
      "lte-30",
      #"""
      {
        "name": "lte-30",
        "about": "LTE, 30 Mbit/s with a rate that wanders and a deep buffer.",
        "bandwidthMbit": 30,
        "roundTripMs": 55,
        "bufferKiB": 1024,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 4
        },
        "rateNoise": 0.15
      }
      """#
    ),
    (
      "mobile-2",
      #"""
      {
        "name": "mobile-2",
        "about": "A thin mobile line, 2 Mbit/s.",
        "bandwidthMbit": 2,
        "roundTripMs": 90,
        "bufferKiB": 128,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 4
        },
        "rateNoise": 0.1
      }
      """#
    ),
    (
      "overload-10",
      #"""
      {
        "name": "overload-10",
        "about": "A small server: beyond 10 requests at a time it gets slower.",
        "bandwidthMbit": 400,
        "roundTripMs": 45,
        "bufferKiB": 2048,
        "perConnectionMbit": 30,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "server": {
          "overloadBeyond": 10,
          "overloadSlope": 0.06,
          "responseMs": 5
        }
      }
      """#
    ),
    (
      "overload-far-20",
      #"""
      {
        "name": "overload-far-20",
        "about": "A slow registry on another continent: beyond 20 requests at a time it gets slower.",
        "bandwidthMbit": 60,
        "roundTripMs": 230,
        "bufferKiB": 800,
        "perConnectionMbit": 3,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "server": {
          "overloadBeyond": 20,
          "overloadSlope": 0.06
        }
      }
      """#
    ),
    (
      "overload-near-6",
      #"""
      {
        "name": "overload-near-6",
        "about": "A small registry in the same town: beyond 6 requests at a time it gets slower.",
        "bandwidthMbit": 100,
        "roundTripMs": 5,
        "bufferKiB": 512,
        "perConnectionMbit": 15,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "server": {
          "overloadBeyond": 6,
          "overloadSlope": 0.08,
          "responseMs": 5
        }
      }
      """#
    ),
    (
      "satellite",
      #"""
      {
        "name": "satellite",
        "about": "A geostationary satellite: 50 Mbit/s, 600 ms, some loss.",
        "bandwidthMbit": 50,
        "roundTripMs": 600,
        "bufferKiB": 3072,
        "loss": 0.0005,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        }
      }
      """#
    ),
    (
      "shallow-buffer",
      #"""
      {
        "name": "shallow-buffer",
        "about": "200 Mbit/s, 80 ms, with a buffer of a tenth of bandwidth x delay.",
        "bandwidthMbit": 200,
        "roundTripMs": 80,
        "bufferKiB": 195,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        }
      }
      """#
    ),
    (
      "slow-disk",
      #"""
      {
        "name": "slow-disk",
        "about": "1 Gbit/s into a disk that takes 40 MB/s.",
        "bandwidthMbit": 1000,
        "roundTripMs": 10,
        "bufferKiB": 2048,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        },
        "client": {
          "diskMegabytesPerSecond": 40
        }
      }
      """#
    ),
    (
      "throttled-05-by-second",
      #"""
      {
        "name": "throttled-05-by-second",
        "about": "A free tier: 0.5 Mbit/s a connection, counted by the second, on a thin line.",
        "bandwidthMbit": 20,
        "roundTripMs": 60,
        "bufferKiB": 256,
        "perConnectionMbit": 0.5,
        "perConnectionBySecond": true,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        }
      }
      """#
    ),
    (
      "throttled-1",
      #"""
      {
        "name": "throttled-1",
        "about": "A mirror that gives each connection 1 Mbit/s.",
        "bandwidthMbit": 100,
        "roundTripMs": 40,
        "bufferKiB": 750,
        "perConnectionMbit": 1,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        }
      }
      """#
    ),
    (
      "throttled-3-by-second",
      #"""
      {
        "name": "throttled-3-by-second",
        "about": "A mirror behind nginx limit_rate: 3 Mbit/s a connection, counted by the second.",
        "bandwidthMbit": 100,
        "roundTripMs": 15,
        "bufferKiB": 512,
        "perConnectionMbit": 3,
        "perConnectionBySecond": true,
        "tls": {
          "roundTrips": 1,
          "cpuMs": 2
        }
      }
      """#
    ),
    (
      "tls12-redirect",
      #"""
      {
        "name": "tls12-redirect",
        "about": "150 Mbit/s, 80 ms, TLS 1.2, every blob behind a redirect, 25 Mbit/s a connection.",
        "bandwidthMbit": 150,
        "roundTripMs": 80,
        "bufferKiB": 1536,
        "perConnectionMbit": 25,
        "tls": {
          "roundTrips": 2,
          "cpuMs": 3
        },
        "server": {
          "redirects": true,
          "responseMs": 15
        }
      }
      """#
    ),
  ]
}
