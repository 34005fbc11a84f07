using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Who wants to know of absent tensors (with the truth), and of wrong steps (with the port's own inputs and tensor) while they are there.
internal sealed record CheckListeners(Action<string, Tensor>? Absent, Action<Step, StepInputs, Tensor, Algebra>? Wrong);
