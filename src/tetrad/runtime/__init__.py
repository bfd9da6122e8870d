"""How a stack answers one request; evals and the gateway both come here, and nothing of them does.

`tetrad.runtime.answering` answers. It is not imported here, since lint asks for `render` alone and
has to start in a blink.
"""
