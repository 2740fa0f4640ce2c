"""One peer of loopitr bench: reads a request a line and answers each with a line.

{"row": NAME, "sizes": {...}} prepares, {"times": N} runs what was prepared so often and
answers {"seconds": ...}. What prepares a row is a function of module NAME_peer that
returns a function to run; its VERSION is answered too."""
import importlib
import json
import sys
import time


def main(name):
    answers, sys.stdout = sys.stdout, sys.stderr
    run = None
    for line in sys.stdin:
        request = json.loads(line)
        answer = {}
        try:
            if "row" in request:
                run = None  # free what is held before more is made
                if request["row"] != "nothing":
                    module = importlib.import_module(name + "_peer")
                    run = module.ROWS[request["row"]](request["sizes"])
                    answer["version"] = module.VERSION
            else:
                began = time.perf_counter()
                for _ in range(request["times"]):
                    run()
                answer["seconds"] = time.perf_counter() - began
        except ImportError as missing:
            answer["missing"] = str(missing)
        except Exception as error:  # one row's trouble is not the next one's
            answer["error"] = f"{type(error).__name__}: {error}"
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


main(sys.argv[1])
